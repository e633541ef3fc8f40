//! The command `doctor`: measures everything for a while, then judges it once.

pub(super) mod args;
mod names;
mod window;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use netperf_core::failure::Failure;
use netperf_core::units::{Units, format_duration};
use netperf_diagnose::doctor::Status;
use netperf_sys::capture::Scope;
use tokio::time::{Instant, sleep_until};

use self::args::DoctorArgs;
use self::window::Window;
use super::args::common::Common;
use super::logging;
use super::session::{Ending, Opening, Session, Signals, Source, Step, Timer, Timing, end};
use crate::render::output::{Format, Output, Silent};
use crate::view::doctor::Doctor;
use crate::view::envelope::Reason;

/// Length of the measurement without `--for`.
const LENGTH: Duration = Duration::from_secs(10);

/// Smallest number of snapshots of the interfaces.
const SNAPSHOTS: u32 = 5;

/// Longest time between two snapshots.
const REST: Duration = Duration::from_secs(1);

/// Measures, and writes the verdict.
///
/// # Errors
///
/// [`Failure::CheckFailed`] if something is wrong.
pub(super) async fn run(args: DoctorArgs, common: &Common) -> anyhow::Result<()> {
    logging::start(common.verbose, None);
    let length = args.length.unwrap_or(LENGTH);
    // What happens elsewhere does not hold that process up.
    let namespaces = args
        .netns
        .unwrap_or_else(|| args.pid.map_or(Scope::All, Scope::Of));
    let window = Window::open(common.hooks, namespaces)?;
    let now = Instant::now();
    let timer = Timer::without_ticks(now, Some(length));
    let session = Session::new(Signals::open()?, timer, common.format(Format::Text));
    let measuring = Measuring {
        window,
        length,
        about: args.pid,
        units: common.text_units(),
        snapshot: now + rest(length),
        pump: now,
    };
    Box::pin(session.run(measuring)).await
}

fn rest(length: Duration) -> Duration {
    (length / SNAPSHOTS).min(REST)
}

/// The measurement, until its time is over.
struct Measuring {
    window: Window,
    length: Duration,
    about: Option<u32>,
    units: Units,
    /// When the next snapshot of the interfaces is due.
    snapshot: Instant,
    /// When to read the kernel's buffers again.
    pump: Instant,
}

/// What is due.
enum Due {
    Snapshot,
    Pump,
}

impl Source for Measuring {
    type Event = Due;

    const IS_PATIENT: bool = true;

    fn start(&mut self, out: &mut Output) -> anyhow::Result<Step> {
        let timing = Timing {
            interval: self.length,
            count: Some(1),
            duration: None,
        };
        let opening = Opening {
            unseen: self.window.unseen(),
            hooks: &self.window.hooks(),
            ..Opening::now("doctor", Some(timing))
        };
        out.report(&Silent(&opening.start()))?;
        if !out.is_json() {
            announce(self.length);
        }
        Ok(Step::GoOn)
    }

    async fn next(&mut self, _: bool) -> anyhow::Result<Due> {
        Ok(tokio::select! {
            () = sleep_until(self.snapshot) => Due::Snapshot,
            () = sleep_until(self.pump) => Due::Pump,
        })
    }

    fn take(&mut self, due: Due, _: &mut Output) -> anyhow::Result<Step> {
        match due {
            Due::Snapshot => {
                self.window.snapshot()?;
                self.snapshot = Instant::now() + rest(self.length);
            }
            Due::Pump => self.pump = Instant::now() + self.window.pump(),
        }
        Ok(Step::GoOn)
    }

    fn finish(mut self, reason: Reason, out: &mut Output) -> anyhow::Result<Ending> {
        self.window.close()?;
        let measured = self.window.measured(self.about, self.units);
        let doctor = Doctor::new(&measured);
        out.report(&doctor)?;
        Ok(Ending {
            end: end(1, reason),
            verdict: match doctor.status {
                Status::Ok | Status::Skipped => Ok(()),
                Status::Warn | Status::Critical => Err(Failure::CheckFailed(doctor.verdict).into()),
            },
        })
    }
}

/// Prints how long the measurement takes.
fn announce(length: Duration) {
    let mut stderr = io::stderr();
    if !stderr.is_terminal() {
        return;
    }
    let length = format_duration(length);
    // A message that can't be written is not missed.
    let _ = writeln!(stderr, "measuring for {length}; Ctrl-C ends it early");
}
