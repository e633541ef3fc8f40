//! Lists, changes and ends limits that other processes hold.

use std::time::Duration;

use anyhow::{Context, bail};
use netperf_core::clock;
use netperf_core::failure::Failure;
use netperf_core::sample::limit::{LimitNow, LimitedProcess};
use netperf_core::units::ByteRate;
use netperf_sys::procfs::{Procfs, same_process};
use netperf_throttle::registry::{Answer, Held, Order, Registry, ask};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::{Clear, Set, print, registry_failure};
use crate::cmd::session::{Opening, end};
use crate::render::limit::Ordered;
use crate::render::output::Format;
use crate::view::envelope::Reason;
use crate::view::limit::LimitsTick;
use crate::view::time::Rfc3339;

/// How long a holder may take to lift its limit.
const PATIENCE: Duration = Duration::from_secs(5);

/// Lists all limits.
pub(super) fn list(format: Format) -> anyhow::Result<()> {
    let registry = Registry::of_machine();
    let held = registry.held().map_err(registry_failure)?.into_iter();
    let held = held.filter_map(|held| {
        let now = now(&registry, held.id);
        Some((held.record?, now))
    });
    let held = held.collect();
    let wall = clock::now().1;
    let limits = LimitsTick::new(held, wall);
    let opening = Opening {
        wall,
        ..Opening::now("limit", None)
    };
    print(
        format,
        &limits,
        Some(&(opening.start(), end(1, Reason::Eof))),
    )
}

/// Current figures of a limit, if its holder answers.
fn now(registry: &Registry, id: u8) -> Option<LimitNow> {
    match ask(registry, id, &Order::Read) {
        Ok(Answer::Now(now)) => Some(now),
        Ok(Answer::Done | Answer::Refused { .. }) | Err(_) => None,
    }
}

/// Changes the rates of a limit.
pub(super) fn set(set: Set, format: Format) -> anyhow::Result<()> {
    let registry = Registry::of_machine();
    let held = registry.held().map_err(registry_failure)?;
    let record = held.into_iter().find(|held| held.id == set.id);
    let Some(Held {
        record: Some(record),
        ..
    }) = record
    else {
        return Err(none(set.id).into());
    };
    let has = (
        record.up_bytes_per_s.is_some(),
        record.down_bytes_per_s.is_some(),
    );
    let (up, down) = set.for_directions(has.0, has.1);
    let bytes = |rate: Option<ByteRate>| rate.map(|rate| rate.0);
    let order = Order::Set {
        up_bytes_per_s: bytes(up),
        down_bytes_per_s: bytes(down),
    };
    match ask(&registry, set.id, &order) {
        Ok(Answer::Done) => done("set", vec![set.id], format),
        Ok(Answer::Refused { why }) => {
            Err(Failure::Usage(format!("limit {}: {why}", set.id)).into())
        }
        Ok(Answer::Now(_)) => bail!("the holder of limit {} answers something else", set.id),
        Err(error) => Err(error).with_context(|| {
            format!(
                "the holder of limit {} (process {}) does not answer",
                set.id, record.holder.pid
            )
        }),
    }
}

/// Ends limits, and waits until they have ended.
pub(super) fn clear(clear: Clear, format: Format) -> anyhow::Result<()> {
    let registry = Registry::of_machine();
    let mut held = registry.held().map_err(registry_failure)?;
    held.retain(|held| match clear {
        Clear::All => true,
        Clear::Id(id) => held.id == id,
        Clear::Pid(pid) => held
            .record
            .as_ref()
            .is_some_and(|record| record.processes.iter().any(|process| process.pid == pid)),
    });
    match (clear, held.is_empty()) {
        (Clear::Id(id), true) => return Err(none(id).into()),
        (Clear::Pid(pid), true) => {
            let text = format!("no limit covers process {pid}: `limit list` shows all");
            return Err(Failure::Usage(text).into());
        }
        _ => {}
    }
    for held in &held {
        end_one(&registry, held)?;
    }
    done("clear", held.iter().map(|held| held.id).collect(), format)
}

/// Ends one limit. A holder that does not answer is killed; the kernel then drops the limit.
fn end_one(registry: &Registry, held: &Held) -> anyhow::Result<()> {
    let answer = ask(registry, held.id, &Order::Clear);
    let is_over = |patience| {
        registry
            .wait_for_end(held.id, patience)
            .map_err(registry_failure)
    };
    if is_over(if answer.is_ok() {
        PATIENCE
    } else {
        Duration::ZERO
    })? {
        return Ok(());
    }
    let Some(record) = &held.record else {
        bail!("limit {} is only just beginning: try again", held.id);
    };
    kill(&record.holder)?;
    if is_over(PATIENCE)? {
        return Ok(());
    }
    bail!(
        "process {} holds limit {} and can't be ended",
        record.holder.pid,
        held.id
    )
}

/// Kills the holder, but not a later process with the same pid.
fn kill(holder: &LimitedProcess) -> anyhow::Result<()> {
    let pid = i32::try_from(holder.pid).ok().and_then(Pid::from_raw);
    let pid = pid.context("its holder has no number")?;
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
        return Ok(());
    };
    let start = Procfs::new("/").start(holder.pid);
    if !start.is_some_and(|start| same_process(start, holder.start)) {
        return Ok(());
    }
    log::warn!("process {} does not answer and is killed", holder.pid);
    pidfd_send_signal(process, Signal::KILL).context("can't end the holder")
}

fn none(id: u8) -> Failure {
    Failure::Usage(format!("there is no limit {id}: `limit list` shows all"))
}

/// Reports what was done.
fn done(done: &'static str, ids: Vec<u8>, format: Format) -> anyhow::Result<()> {
    let verb = if done == "set" { "changed" } else { "lifted" };
    let numbers: Vec<_> = ids.iter().map(ToString::to_string).collect();
    let text = match numbers.len() {
        0 => "no limit is held on this machine".to_owned(),
        1 => format!("limit {} {verb}", numbers.join("")),
        _ => format!("limits {} {verb}", numbers.join(", ")),
    };
    let ordered = Ordered {
        time: Rfc3339(clock::now().1),
        done,
        ids,
        text,
    };
    print(format, &ordered, None)
}
