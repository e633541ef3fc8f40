//! The command `path`: probes every hop to a host.

pub(super) mod args;
mod config;
mod probing;
mod targets;

use std::time::Duration;

use anyhow::Context;
use netperf_core::clock;
use netperf_core::failure::Failure;
use netperf_core::sample::path::{Method, Outcome, PathCycle};
use netperf_diagnose::condition::Condition;
use netperf_diagnose::path::condition::PathMetric;
use netperf_probe::path::{News, Plan, Prober, Unopened};
use netperf_sys::netlink;
use netperf_sys::rights;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use self::args::PathArgs;
use self::probing::Probing;
use self::targets::Aim;
use super::args::common::Common;
use super::logging;
use super::session::{Session, Signals, Stops, Timer};
use crate::render::output::Format;
use crate::render::tui::{LogTail, PathScreen};

/// A run of `path`.
#[derive(Clone, Debug)]
struct PathRun {
    destination: Destination,
    /// IPv6 only if true, IPv4 only if false.
    family: Option<bool>,
    method: Method,
    size: u16,
    looks_for_mtu: bool,
    plan: Plan,
    duration: Option<Duration>,
    fail_if: Vec<Condition<PathMetric>>,
    format: Format,
    /// Whether there is one report at the end.
    is_report: bool,
}

/// The destination of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Destination {
    Host {
        name: String,
        wants_all: bool,
    },
    /// The hosts that this process talks to.
    OfProcess(u32),
}

/// Probes and shows the paths until the end.
pub(super) async fn run(args: PathArgs, common: &Common) -> anyhow::Result<()> {
    let run = PathRun::new(args, common)?;
    rights::check_probing()?;
    let mut signals = Signals::open()?;
    let aims = tokio::select! {
        _ = signals.next() => return Ok(()),
        aims = targets::of(&run) => aims?,
    };
    let news = start(&run, &aims)?;
    let log = (run.format == Format::Nothing).then(LogTail::default);
    logging::start(common.verbose, log.clone());
    let screen = match log {
        Some(log) => Some(PathScreen::new(common.has_color(), log).context("no screen")?),
        None => None,
    };
    let timer = Timer::without_ticks(Instant::now(), run.duration);
    let session = Session::new(signals, timer, run.format);
    let probing = Probing::new(run, aims, (common.host_names(), screen), news);
    session.run(probing).await
}

/// Starts a prober for each target.
fn start(run: &PathRun, aims: &[Aim]) -> anyhow::Result<UnboundedReceiver<(usize, News)>> {
    let (sender, news) = unbounded_channel();
    for (number, aim) in aims.iter().enumerate() {
        match open(run, aim)? {
            Ok(prober) => prober
                .start(number, run.plan, sender.clone())
                .context("can't start a thread")?,
            Err(why) => {
                for one in [News::Cycle(not_sent(why)), News::Over] {
                    // The receiver is right here.
                    let _ = sender.send((number, one));
                }
            }
        }
    }
    Ok(news)
}

/// The prober of a target, or why this machine has no route to it.
fn open(run: &PathRun, aim: &Aim) -> anyhow::Result<Result<Prober, String>> {
    let open = || Prober::open(aim.address, run.method, run.size);
    let opened = match &aim.namespace {
        Some(namespace) => netlink::inside(namespace, || Ok(open())).map_err(Unopened::Other),
        None => Ok(open()),
    };
    match opened.flatten() {
        Ok(prober) if run.looks_for_mtu => Ok(Ok(prober.with_mtu())),
        Ok(prober) => Ok(Ok(prober)),
        Err(Unopened::Rights(_)) => Err(Failure::from(rights::no_probing()).into()),
        Err(Unopened::NoWay(why)) => Ok(Err(why)),
        Err(Unopened::Other(error)) => {
            Err(error).context(format!("can't probe {}", aim.address.ip()))
        }
    }
}

/// A cycle in which this machine sent nothing.
fn not_sent(why: String) -> PathCycle {
    let (at, wall) = clock::now();
    PathCycle {
        cycle: 1,
        at,
        wall,
        probes: vec![Outcome::NotSent(why)],
        is_exhausted: false,
    }
}
