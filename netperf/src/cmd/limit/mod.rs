//! The command `limit`: holds running processes to a rate, and lists, changes and ends limits.

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

/// The task of one run.
#[derive(Clone, Debug)]
enum Action {
    /// Hold a limit.
    Hold(Box<Hold>),
    /// List all limits.
    List,
    /// Change the rates of a limit.
    Set(Set),
    /// End limits.
    Clear(Clear),
    /// Become this command as soon as its limit holds.
    Gate(Vec<OsString>),
    /// Clean up after the holder of this limit.
    CleanUp(u8),
}

/// A limit to hold.
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

/// Processes to limit.
#[derive(Clone, Debug)]
enum Selector {
    /// Processes by pid or name.
    Processes {
        pids: Vec<u32>,
        /// Start time of the process, if there is exactly one.
        started: Option<MonoNs>,
        name: Option<Regex>,
    },
    /// Every process in this cgroup.
    Cgroup(PathBuf),
    /// Every process in the cgroup of this unit.
    Unit(String),
    /// Every process in the cgroup of this container.
    Container(String),
    /// A command that is not running yet.
    Command(Vec<OsString>),
}

impl Selector {
    /// Whether processes may match later.
    fn has_name(&self) -> bool {
        matches!(self, Self::Processes { name: Some(_), .. })
    }
}

/// New rates for a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Set {
    id: u8,
    /// For each direction that is limited.
    each: Option<ByteRate>,
    rates: Rates,
}

/// Limits to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clear {
    /// The limit with this number.
    Id(u8),
    /// Every limit on this process.
    Pid(u32),
    /// Every limit on this machine.
    All,
}

/// Runs `limit` as its options say.
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

/// Writes reports, without waiting for anything but the pipe.
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

/// The error with its exit status.
fn failure(error: LimitError) -> anyhow::Error {
    match error {
        LimitError::Rights(text) => Failure::NotAllowed(text).into(),
        LimitError::Unsupported(text) => Failure::Lacking(text).into(),
        LimitError::Invalid(text) => Failure::Usage(text).into(),
        LimitError::Failed(error) => error,
    }
}

/// The error with its exit status.
fn registry_failure(error: LimitsError) -> anyhow::Error {
    match error {
        LimitsError::Forbidden { .. } => Failure::NotAllowed(chain(&error)).into(),
        LimitsError::Full | LimitsError::Foreign { .. } | LimitsError::Failed { .. } => {
            error.into()
        }
    }
}
