//! The variants that a load is measured with: what runs beside it.

use anyhow::Result;

use super::Programs;
use super::accuracy::Reported;
use super::hooks::Hooks;
use super::load::Link;
use super::process::Process;
use super::tool::{self, Tool};
use super::tracer::Tracer;

/// CPU for a tracer that must not share the load's.
const OTHER_CPU: &str = "1";

/// What runs beside a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// Nothing: the rate that the others are compared with.
    Baseline,
    /// Programs that do nothing, on the tracer's hooks.
    EmptyHooks,
    /// The tracer, on any CPU.
    Tracer,
    /// The tracer on another CPU than the load: the cost of the hooks alone.
    TracerElsewhere,
    /// An older build of the tracer, on any CPU.
    Older,
    /// An older build on another CPU than the load.
    OlderElsewhere,
    /// The same with the hooks that follow the state of each connection.
    StatesElsewhere,
    /// Another tool, such as nethogs.
    Tool(Tool),
}

impl Variant {
    /// Text for a table cell.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Baseline => "nothing",
            Self::EmptyHooks => "empty programs on the same hooks",
            Self::Tracer => "netperf-trace",
            Self::TracerElsewhere => "netperf-trace on another CPU",
            Self::Older => "an older build",
            Self::OlderElsewhere => "an older build on another CPU",
            Self::StatesElsewhere => "the same with `--connections`, on another CPU",
            Self::Tool(tool) => tool.name(),
        }
    }

    /// Whether it is our own program.
    pub(super) fn is_tracer(self) -> bool {
        matches!(
            self,
            Self::Tracer
                | Self::TracerElsewhere
                | Self::Older
                | Self::OlderElsewhere
                | Self::StatesElsewhere
        )
    }

    /// The same on the same CPU by an older build, for a variant of this build.
    pub(super) fn older(self) -> Option<Self> {
        match self {
            Self::Tracer => Some(Self::Older),
            Self::TracerElsewhere => Some(Self::OlderElsewhere),
            Self::Baseline
            | Self::EmptyHooks
            | Self::Older
            | Self::OlderElsewhere
            | Self::StatesElsewhere
            | Self::Tool(_) => None,
        }
    }

    /// Starts it for a load on `link` and waits until it counts.
    pub(super) fn start(self, programs: &Programs, link: Link) -> Result<Running> {
        Ok(match self {
            Self::Baseline => Running::Baseline,
            Self::EmptyHooks => Running::EmptyHooks(Hooks::empty(programs)?),
            Self::Tracer => Running::Tracer(Tracer::start(&programs.tracer, None)?),
            Self::TracerElsewhere => {
                Running::Tracer(Tracer::start(&programs.tracer, Some(OTHER_CPU))?)
            }
            Self::Older => Running::Tracer(Tracer::start(programs.older()?, None)?),
            Self::OlderElsewhere => {
                Running::Tracer(Tracer::start(programs.older()?, Some(OTHER_CPU))?)
            }
            Self::StatesElsewhere => Running::Tracer(Tracer::start_with(
                &programs.tracer,
                Some(OTHER_CPU),
                &["--connections"],
            )?),
            Self::Tool(tool) => Running::Tool(tool::Running::start(tool, link)?),
        })
    }
}

/// A running variant.
#[derive(Debug)]
pub(super) enum Running {
    Baseline,
    EmptyHooks(Hooks),
    Tracer(Tracer),
    Tool(tool::Running),
}

impl Running {
    /// Its process, if it has one.
    pub(super) fn program(&self) -> Option<&Process> {
        match self {
            Self::Baseline => None,
            Self::EmptyHooks(hooks) => Some(hooks.program()),
            Self::Tracer(tracer) => Some(tracer.program()),
            Self::Tool(tool) => Some(tool.program()),
        }
    }

    /// Ends it and returns what it has reported.
    pub(super) fn stop(self) -> Result<Reported> {
        match self {
            Self::Baseline => Ok(Reported::default()),
            Self::EmptyHooks(hooks) => hooks.stop().map(|()| Reported::default()),
            Self::Tracer(tracer) => tracer.stop(),
            Self::Tool(tool) => tool.stop(),
        }
    }
}
