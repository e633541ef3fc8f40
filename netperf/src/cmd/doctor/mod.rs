//! Is it the network, and where? Everything is measured for a while, and judged once.

pub(super) mod args;
mod names;
mod window;

use std::io::{self, IsTerminal, Write};
use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use netperf_core::clock;
use netperf_core::collect::HookPreference;
use netperf_core::units::{Units, format_duration};
use netperf_sys::capture::Scope;

use self::args::DoctorArgs;
use self::window::Window;
use super::args::Common;
use super::logging;
use super::looks::{Opening, end};
use super::signals::Signals;
use super::timer::Timing;
use crate::render::doctor::Written;
use crate::render::sink::Sink;
use crate::render::width;
use crate::view::doctor::Doctor;
use crate::view::envelope::Reason;
use netperf_core::failure::Failure;
use netperf_diagnose::doctor::Status;

/// How long is measured unless something else is asked for.
const LENGTH: Duration = Duration::from_secs(10);

/// A run of `doctor` that looks for a trouble.
#[derive(Clone, Debug)]
pub struct DoctorRun {
    length: Duration,
    about: Option<u32>,
    namespaces: Scope,
    units: Units,
    written: Written,
    hooks: HookPreference,
    verbosity: u8,
}

impl DoctorRun {
    /// Reads the options.
    pub(super) fn new(args: &DoctorArgs, common: &Common) -> Self {
        Self {
            length: args.length.unwrap_or(LENGTH),
            about: args.pid,
            // What happens elsewhere does not hold that process up.
            namespaces: args
                .netns
                .unwrap_or_else(|| args.pid.map_or(Scope::All, Scope::Of)),
            units: common.text_units(),
            written: if common.json {
                Written::Json
            } else {
                Written::Text(width::of_stdout())
            },
            hooks: common.hooks,
            verbosity: common.verbose,
        }
    }
}

/// Measures, and writes the verdict.
///
/// # Errors
/// [`Failure::CheckFailed`] if something is wrong.
pub(super) async fn run(run: DoctorRun) -> anyhow::Result<()> {
    logging::start(run.verbosity, None);
    let mut window = Window::open(&run)?;
    let mut stop = pin!(Signals::open().context("can't handle signals")?.any());
    let mut sink = Sink::stdout();
    let opening = Opening {
        command: "doctor",
        wall: clock::now().1,
        timing: Some(Timing {
            interval: run.length,
            count: Some(1),
            duration: None,
        }),
        unseen: window.unseen(),
        hooks: &window.hooks(),
    };
    run.written.start(&opening.start(), sink.pending())?;
    announce(&run);
    let Some(reason) = window.measure(run.length, stop.as_mut(), &mut sink).await? else {
        return Ok(());
    };
    window.close()?;
    let measured = window.measured(run.about, run.units);
    let doctor = Doctor::new(&measured);
    run.written
        .verdict(&doctor, &end(1, reason), sink.pending())?;
    if reason != Reason::Signal {
        tokio::select! {
            written = sink.drain() => written.context("can't write")?,
            () = stop => {}
        }
    }
    sink.finish(Reason::Signal).await.context("can't write")?;
    match doctor.status {
        Status::Ok | Status::Skipped => Ok(()),
        Status::Warn | Status::Critical => Err(Failure::CheckFailed(doctor.verdict).into()),
    }
}

/// Whoever waits is told for how long.
fn announce(run: &DoctorRun) {
    let mut stderr = io::stderr();
    if run.written == Written::Json || !stderr.is_terminal() {
        return;
    }
    let length = format_duration(run.length);
    // Where it can't be said nobody misses it.
    let _ = writeln!(stderr, "measuring for {length}; Ctrl-C ends it early");
}
