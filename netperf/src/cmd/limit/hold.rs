//! Begins a limit: checks, sets up, registers.

use std::collections::HashMap;
use std::io::{self, IsTerminal};

use anyhow::Context;
use netperf_core::clock::{self, MonoNs, WallNs};
use netperf_core::failure::Failure;
use netperf_core::model::limit::LimitModel;
use netperf_core::sample::limit::{LimitRecord, LimitSample, LimitedProcess};
use netperf_core::text::visible;
use netperf_core::units::{ByteRate, Units};
use netperf_sys::capture;
use netperf_sys::procfs::{Procfs, StartTicks};
use netperf_sys::rights;
use netperf_throttle::registry::{Orders, Registration, Registry};
use netperf_throttle::{Limit, Plan, Preparation};
use rustix::process::setpriority_process;
use tokio::time::Instant;

use super::child::Gated;
use super::events::Events;
use super::held::Held;
use super::targets::{self, Found};
use super::{Hold, Selector, config, detach, failure, registry_failure};
use crate::cmd::session::{Opening, Session, Signals, Timer};
use crate::render::keys::Keys;
use crate::render::output::{Format, Output};
use crate::view::envelope::Start;
use crate::view::limit::names;

/// Holds a limit until it ends.
pub(super) async fn hold(mut hold: Hold, units: Units) -> anyhow::Result<()> {
    let signals = Signals::open()?;
    if detach::is_supervisor() {
        detach::begin()?;
        hold.format = Format::Nothing;
    }
    let procfs = Procfs::new("/");
    check_rights(&procfs)?;
    let registry = Registry::of_machine();
    // What killed holders left goes, also if no limit comes of this.
    registry.held().map_err(registry_failure)?;
    let gated = match &hold.selector {
        Selector::Command(words) => Some(Gated::start(words)?),
        Selector::Processes { .. }
        | Selector::Cgroup(_)
        | Selector::Unit(_)
        | Selector::Container(_) => None,
    };
    raise_priority();
    let preparation = Preparation::begin().context("can't begin")?;
    let found = find(&procfs, &hold, gated.as_ref())?;
    let mut registration = registry.register().map_err(registry_failure)?;
    let mut limit =
        Limit::begin(plan(&hold, &found, registration.id()), preparation).map_err(failure)?;
    let first = limit.read().map_err(failure)?;
    let record = record(&hold, &found, &registration, &first, gated.as_ref());
    registration.write(&record).map_err(registry_failure)?;
    let orders = Orders::open(&registration).context("can't take orders")?;
    let session = Session {
        signals,
        keys: keys(&hold, gated.is_some())?,
        timer: Timer::new(Instant::now(), hold.timing),
        output: Output::new(hold.format),
    };
    let events = Events::new(orders).context("can't handle signals")?;
    let source = Held::new(
        (hold, units),
        (limit, LimitModel::new(first)),
        (registration, record),
        (events, session.keys.are_heard()),
        (found, gated),
    );
    session.run(source).await
}

/// Raises the priority of this process. Where hundreds of threads keep the processors busy, those may
/// be the ones to limit.
fn raise_priority() {
    if let Err(error) = setpriority_process(None, -20) {
        log::debug!("not before others: {error}");
    }
}

/// Whether this process may limit other processes.
pub(super) fn check_rights(procfs: &Procfs) -> Result<(), Failure> {
    Ok(rights::check_limiting(capture::valid_rights(procfs))?)
}

/// Finds the processes to limit, or takes the command that waits.
fn find(procfs: &Procfs, hold: &Hold, gated: Option<&Gated>) -> anyhow::Result<Found> {
    let Some(gated) = gated else {
        return Ok(targets::look_up(procfs, &hold.selector, hold.children)?);
    };
    let process = procfs.relative(gated.id()).context("the command is gone")?;
    Ok(Found {
        processes: vec![process],
        cgroup: None,
    })
}

/// The plan for the engine.
pub(super) fn plan(hold: &Hold, found: &Found, id: u8) -> Plan {
    Plan {
        id,
        targets: found.targets(),
        children: hold.children,
        cgroup: found.cgroup.clone(),
        names: hold.selector.has_name(),
        rates: hold.rates,
        loopback: hold.loopback,
        except: hold.except.clone(),
        way: hold.way,
    }
}

/// The record of the limit for other runs.
fn record(
    hold: &Hold,
    found: &Found,
    registration: &Registration,
    first: &LimitSample,
    gated: Option<&Gated>,
) -> LimitRecord {
    let procfs = Procfs::new("/");
    let own = std::process::id();
    let (now, wall) = clock::now();
    let mut processes: Vec<_> = found
        .processes
        .iter()
        .map(|one| LimitedProcess {
            pid: one.tgid,
            start: one.start.to_mono(),
            name: one.comm.clone(),
        })
        .collect();
    if let (Some(gated), Some(process)) = (gated, processes.first_mut()) {
        process.name.clone_from(&gated.name);
    }
    let ns = hold
        .lasting
        .map(|lasting| u64::try_from(lasting.as_nanos()).unwrap_or(u64::MAX));
    LimitRecord {
        id: registration.id(),
        holder: LimitedProcess {
            pid: own,
            start: procfs.start(own).map_or(now, StartTicks::to_mono),
            name: "netperf-trace".to_owned(),
        },
        processes,
        chosen_by: config::chosen_by(&hold.selector),
        up_bytes_per_s: hold.rates.up.map(|rate| rate.0),
        down_bytes_per_s: hold.rates.down.map(|rate| rate.0),
        mechanism: first.mechanism.clone(),
        since: wall,
        until: ns.map(|ns| WallNs(wall.0.saturating_add(ns))),
    }
}

/// The processes as they are now, with names that are known already.
pub(super) fn processes(
    procfs: &Procfs,
    pids: &[u32],
    before: &[LimitedProcess],
) -> Vec<LimitedProcess> {
    let known: HashMap<u32, MonoNs> = before.iter().map(|one| (one.pid, one.start)).collect();
    let found = pids.iter().filter_map(|&pid| {
        let one = procfs.relative(pid)?;
        let start = one.start.to_mono();
        // A command under a limit keeps the name of the command until it has its own.
        let earlier = before.iter().find(|one| one.pid == pid);
        let name = match earlier {
            Some(earlier) if known.get(&pid) == Some(&start) && one.comm == "netperf-trace" => {
                earlier.name.clone()
            }
            _ => one.comm,
        };
        Some(LimitedProcess { pid, start, name })
    });
    found.collect()
}

/// Reads keys, unless they could be meant for a command.
fn keys(hold: &Hold, has_command: bool) -> anyhow::Result<Keys> {
    let is_live = matches!(hold.format, Format::Live(_)) && io::stdin().is_terminal();
    if has_command || detach::is_supervisor() || !is_live {
        return Ok(Keys::none());
    }
    Keys::open().context("can't use the terminal")
}

/// The first object of the session.
pub(super) fn opening(hold: &Hold, wall: WallNs) -> Start {
    let opening = Opening {
        wall,
        ..Opening::now("limit", Some(hold.timing))
    };
    opening.start()
}

/// The rates as text: `up 20.0 MB/s, down 5.00 MB/s`.
pub(super) fn rates_text(record: &LimitRecord, units: Units) -> String {
    let directions = [
        ("up", record.up_bytes_per_s),
        ("down", record.down_bytes_per_s),
    ];
    let directions = directions.iter().filter_map(|(name, rate)| {
        let rate = units.rate(ByteRate((*rate)?));
        Some(format!("{name} {rate}"))
    });
    directions.collect::<Vec<_>>().join(", ")
}

/// The processes as text: `rsync (9821) and 2 more`, safe to print.
pub(super) fn who(record: &LimitRecord) -> String {
    let processes = record.processes.iter();
    let text = names(processes.map(|one| (one.pid, one.name.as_str())));
    visible(&text).into_owned()
}
