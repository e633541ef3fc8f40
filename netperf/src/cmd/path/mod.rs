//! What is the way to a host like?

pub(super) mod args;
mod asked;
mod session;
mod targets;

use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context;
use netperf_core::clock;
use netperf_core::host_names::{HostNames, Numeric};
use netperf_core::sample::path::{Method, Outcome, PathCycle};
use netperf_probe::path::{News, Plan, Prober};
use netperf_probe::reverse::Resolver;
use netperf_sys::netlink;
use netperf_sys::procfs::Procfs;
use netperf_sys::rights;
use tokio::sync::mpsc::unbounded_channel;

use self::session::Session;
use self::targets::Aim;
use super::signals::Signals;
use crate::render::path::Written;
use netperf_core::failure::Failure;
use netperf_diagnose::condition::Condition;
use netperf_diagnose::path::condition::PathMetric;

/// A run of `path`.
#[derive(Clone, Debug)]
pub struct PathRun {
    whither: Whither,
    /// IPv6 only, or IPv4 only.
    family: Option<bool>,
    method: Method,
    size: u16,
    looks_for_mtu: bool,
    plan: Plan,
    duration: Option<Duration>,
    fail_if: Vec<Condition<PathMetric>>,
    shown: Shown,
    color: bool,
    resolve: bool,
    verbosity: u8,
}

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Whither {
    Host {
        name: String,
        wants_all: bool,
    },
    /// Where this process talks to.
    Of(u32),
}

/// When and how it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    EachCycle(Written),
    AtTheEnd(Written),
    Screen,
}

/// Probes until it is over, and shows it.
pub(super) async fn run(run: PathRun) -> anyhow::Result<()> {
    rights::check_probing()?;
    let signals = Signals::open().context("can't handle signals")?;
    let mut stop = pin!(signals.any());
    let aims = tokio::select! {
        () = stop.as_mut() => return Ok(()),
        aims = targets::of(&run) => aims?,
    };
    let (sender, news) = unbounded_channel();
    for (number, aim) in aims.iter().enumerate() {
        let started = match open(&run, aim)? {
            Ok(prober) => prober.start(number, run.plan, sender.clone()),
            Err(why) => {
                for one in [News::Cycle(not_sent(why)), News::Over] {
                    // The receiver is right here.
                    let _ = sender.send((number, one));
                }
                Ok(())
            }
        };
        started.context("can't start a thread")?;
    }
    drop(sender);
    let names: Rc<dyn HostNames> = if run.resolve {
        Rc::new(Resolver::open(Procfs::new("/").name_service()))
    } else {
        Rc::new(Numeric)
    };
    Session::new(&run, aims, names)?.run(news, stop).await
}

/// The prober of a target; why there is none where this machine knows no way there.
fn open(run: &PathRun, aim: &Aim) -> anyhow::Result<Result<Prober, String>> {
    let open = || Prober::open(aim.address, run.method, run.size);
    let opened = match &aim.namespace {
        Some(namespace) => netlink::inside(namespace, open),
        None => open(),
    };
    match opened {
        Ok(prober) if run.looks_for_mtu => Ok(Ok(prober.with_mtu())),
        Ok(prober) => Ok(Ok(prober)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(Failure::from(rights::no_probing()).into())
        }
        Err(error) if is_routing(&error) => Ok(Err(error.to_string())),
        Err(error) => Err(error).context(format!("can't probe {}", aim.address.ip())),
    }
}

fn is_routing(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ENETUNREACH
                | libc::EHOSTUNREACH
                | libc::EADDRNOTAVAIL
                | libc::ENETDOWN
                | libc::EAFNOSUPPORT
                | libc::EINVAL
        )
    )
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
