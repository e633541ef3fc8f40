//! How is a running process held to a rate, and how are limits shown, changed and ended?

pub(super) mod args;
mod child;
mod config;
mod detach;
mod dry_run;
mod events;
mod held;
mod hold;
mod orders;
mod targets;
mod usage;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use netperf_core::clock::MonoNs;
use netperf_core::sample::limit::Rates;
use netperf_core::text::chain;
use netperf_core::units::ByteRate;
use netperf_diagnose::condition::Condition;
use netperf_diagnose::limit::LimitMetric;
use netperf_throttle::registry::LimitsError;
use netperf_throttle::{LimitError, Way};
use regex::Regex;

use self::args::LimitArgs;
use super::args::common::Common;
use super::logging;
use super::session::Timing;
use crate::render::output::{Format, Report, Silent};
use crate::view::envelope::{End, Start};
use netperf_core::failure::Failure;

/// What is to be done.
#[derive(Clone, Debug)]
enum Action {
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
    selector: Selector,
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
    format: Format,
}

/// Who is to be limited.
#[derive(Clone, Debug)]
enum Selector {
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

impl Selector {
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

/// Does what is asked for.
pub(super) fn run(args: LimitArgs, common: &Common) -> anyhow::Result<()> {
    let action = config::action(args, common)?;
    logging::start(common.verbose, None);
    let (format, units) = (common.format(Format::Text), common.text_units());
    match action {
        Action::Gate(words) => child::wait_and_become(&words),
        Action::CleanUp(id) => detach::clean_up_after(id),
        Action::List => orders::list(format),
        Action::Set(set) => orders::set(set, format),
        Action::Clear(clear) => orders::clear(clear, format),
        Action::Hold(hold) if hold.dry_run => dry_run::tell(&hold, format, units),
        Action::Hold(hold) if hold.detach && !detach::is_supervisor() => detach::detach(format),
        Action::Hold(hold) => super::in_loop(hold::hold(*hold, units)),
    }
}

/// Writes reports for which nobody waits any longer than for the pipe.
fn print(
    format: Format,
    report: &impl Report,
    around: Option<&(Start, End)>,
) -> anyhow::Result<()> {
    let mut page = Vec::new();
    if let Some((start, _)) = around {
        format.report(&Silent(start), &mut page)?;
    }
    format.report(report, &mut page)?;
    if let Some((_, end)) = around {
        format.report(&Silent(end), &mut page)?;
    }
    io::stdout().write_all(&page).context("can't write")
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
