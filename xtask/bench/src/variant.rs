//! What runs beside a load?

use anyhow::Result;

use super::Programs;
use super::hooks::Hooks;
use super::load::Wire;
use super::program::Program;
use super::rival::{self, Rival};
use super::shown::Shown;
use super::tracer::Tracer;

/// CPU of a tracer that must not take the load's.
const OTHER_CPU: &str = "1";

/// Something that runs beside a load, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Companion {
    /// What the others are compared with.
    Nothing,
    /// Programs that do nothing, on the tracer's hooks.
    EmptyHooks,
    /// The tracer, where the scheduler puts it.
    Tracer,
    /// The tracer, away from the load's CPU: the hooks' cost without the reader's.
    TracerElsewhere,
    /// The same, and it follows the state of each connection.
    StatesElsewhere,
    /// Another tool.
    Rival(Rival),
}

impl Companion {
    /// In words for a table's cell.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::EmptyHooks => "empty programs on the same hooks",
            Self::Tracer => "netperf-trace",
            Self::TracerElsewhere => "netperf-trace on another CPU",
            Self::StatesElsewhere => "the same with `--connections`, on another CPU",
            Self::Rival(rival) => rival.name(),
        }
    }

    /// Whether it is our own program.
    pub(super) fn is_tracer(self) -> bool {
        matches!(
            self,
            Self::Tracer | Self::TracerElsewhere | Self::StatesElsewhere
        )
    }

    /// Starts it beside a load on `wire`, and waits until it sees everything.
    pub(super) fn start(self, programs: &Programs, wire: Wire) -> Result<Running> {
        Ok(match self {
            Self::Nothing => Running::Nothing,
            Self::EmptyHooks => Running::EmptyHooks(Hooks::empty(programs)?),
            Self::Tracer => Running::Tracer(Tracer::start(&programs.tracer, None)?),
            Self::TracerElsewhere => {
                Running::Tracer(Tracer::start(&programs.tracer, Some(OTHER_CPU))?)
            }
            Self::StatesElsewhere => Running::Tracer(Tracer::start_with(
                &programs.tracer,
                Some(OTHER_CPU),
                &["--connections"],
            )?),
            Self::Rival(rival) => Running::Rival(rival::Running::start(rival, wire)?),
        })
    }
}

/// A companion that runs.
#[derive(Debug)]
pub(super) enum Running {
    Nothing,
    EmptyHooks(Hooks),
    Tracer(Tracer),
    Rival(rival::Running),
}

impl Running {
    /// Its process, if it has one that works.
    pub(super) fn program(&self) -> Option<&Program> {
        match self {
            Self::Nothing => None,
            Self::EmptyHooks(hooks) => Some(hooks.program()),
            Self::Tracer(tracer) => Some(tracer.program()),
            Self::Rival(rival) => Some(rival.program()),
        }
    }

    /// Ends it, and says what it has shown.
    pub(super) fn stop(self) -> Result<Shown> {
        match self {
            Self::Nothing => Ok(Shown::default()),
            Self::EmptyHooks(hooks) => hooks.stop().map(|()| Shown::default()),
            Self::Tracer(tracer) => tracer.stop(),
            Self::Rival(rival) => rival.stop(),
        }
    }
}
