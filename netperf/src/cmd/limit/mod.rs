//! How is a running process held to a rate, and how are limits shown, changed and ended?

pub(super) mod args;
mod asked;
mod child;
mod detach;
mod dry_run;
mod hold;
mod orders;
mod session;
pub(super) mod span;
mod targets;
mod usage;
mod wake;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use netperf_core::clock::MonoNs;
use netperf_core::sample::limit::Rates;
use netperf_core::text::chain;
use netperf_core::units::{ByteRate, Units};
use netperf_diagnose::condition::Condition;
use netperf_diagnose::limit::LimitMetric;
use netperf_throttle::registry::LimitsError;
use netperf_throttle::{LimitError, Way};
use regex::Regex;

use super::logging;
use super::timer::Timing;
use crate::render::limit::Written;
use netperf_core::failure::Failure;

/// A run of `limit`.
#[derive(Clone, Debug)]
pub struct LimitRun {
    wish: Wish,
    json: bool,
    units: Units,
    verbosity: u8,
}

/// What is to be done.
#[derive(Clone, Debug)]
enum Wish {
    /// Hold a limit.
    Hold(Box<Hold>),
    /// Show all.
    List,
    /// Change one.
    Set(Set),
    /// End some.
    Clear(Clear),
    /// Become this command as soon as its limit holds.
    Gate(Vec<OsString>),
    /// Remove what the holder of this limit leaves if it is killed.
    CleanUp(u8),
}

/// A limit to be held.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
struct Hold {
    whom: Whom,
    rates: Rates,
    children: bool,
    loopback: bool,
    except: Vec<String>,
    way: Option<Way>,
    timing: Timing,
    /// It ends by itself after this time.
    lasting: Option<Duration>,
    detach: bool,
    dry_run: bool,
    check: Option<Condition<LimitMetric>>,
    written: Written,
}

/// Who is to be limited.
#[derive(Clone, Debug)]
enum Whom {
    /// Some processes.
    Processes {
        pids: Vec<u32>,
        /// When the only one of them must have started.
        started: Option<MonoNs>,
        name: Option<Regex>,
    },
    /// All in a cgroup.
    Cgroup(PathBuf),
    /// All in that of a unit.
    Unit(String),
    /// All in that of a container.
    Container(String),
    /// A command that does not run yet.
    Command(Vec<OsString>),
}

impl Whom {
    /// Whether others may fit later.
    fn has_name(&self) -> bool {
        matches!(self, Self::Processes { name: Some(_), .. })
    }
}

/// Other rates for a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Set {
    id: u8,
    /// For each direction that it has.
    each: Option<ByteRate>,
    rates: Rates,
}

/// Which limits are to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clear {
    /// The one with this number.
    Id(u8),
    /// Those on this process.
    Pid(u32),
    /// All.
    All,
}

/// Does what was asked for.
pub(super) fn run(run: LimitRun) -> anyhow::Result<()> {
    logging::start(run.verbosity, None);
    let LimitRun {
        wish, json, units, ..
    } = run;
    match wish {
        Wish::Gate(words) => child::wait_and_become(&words),
        Wish::CleanUp(id) => detach::clean_up_after(id),
        Wish::List => orders::list(json, units),
        Wish::Set(set) => orders::set(set, json),
        Wish::Clear(clear) => orders::clear(clear, json),
        Wish::Hold(hold) if hold.dry_run => dry_run::tell(&hold, json, units),
        Wish::Hold(hold) if hold.detach && !detach::is_supervisor() => detach::detach(json),
        Wish::Hold(hold) => super::in_loop(hold::hold(*hold, units)),
    }
}

/// The exit status that fits.
fn failure(error: LimitError) -> anyhow::Error {
    match error {
        LimitError::Rights(text) => Failure::NotAllowed(text).into(),
        LimitError::Unsupported(text) => Failure::Lacking(text).into(),
        LimitError::Asked(text) => Failure::Usage(text).into(),
        LimitError::Failed(error) => error,
    }
}

/// The exit status that fits.
fn registry_failure(error: LimitsError) -> anyhow::Error {
    match error {
        LimitsError::Forbidden { .. } => Failure::NotAllowed(chain(&error)).into(),
        LimitsError::Full | LimitsError::Foreign { .. } | LimitsError::Failed { .. } => {
            error.into()
        }
    }
}
