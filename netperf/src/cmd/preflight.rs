//! Will it run on this machine?

use std::io::{self, Write};

use anyhow::Context;
use netperf_core::clock;
use netperf_core::collect::HookPreference;
use netperf_sys::preflight;

use super::logging;
use crate::render::preflight::{json, text};
use crate::view::envelope::{End, Reason, SCHEMA, Start};
use crate::view::preflight::Report;
use crate::view::time::Rfc3339;
use netperf_core::failure::Failure;

/// A look at this machine.
#[derive(Clone, Copy, Debug)]
pub struct Preflight {
    pub(super) json: bool,
    pub(super) hooks: HookPreference,
    pub(super) verbosity: u8,
}

/// Looks at this machine and writes what it found.
///
/// # Errors
/// [`Failure::CheckFailed`] if nothing can be counted here.
pub(super) fn run(asked: Preflight) -> anyhow::Result<()> {
    logging::start(asked.verbosity, None);
    let machine = preflight::examine();
    let report = Report::new(&machine, asked.hooks, Rfc3339(clock::now().1));
    let output = if asked.json {
        json(&start(&report), &report, &end()).context("can't write")?
    } else {
        text(&report.found).into_bytes()
    };
    io::stdout().write_all(&output).context("can't write")?;
    if report.found.can_count {
        return Ok(());
    }
    Err(Failure::CheckFailed(report.found.summary()).into())
}

fn start(report: &Report) -> Start {
    Start {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command: "doctor",
        time: report.time,
        host: report.found.host.clone(),
        kernel: report.found.kernel.clone(),
        interval_s: 0.0,
        hooks: report.found.provenance.hooks.clone(),
        unavailable: report.found.provenance.unavailable.clone(),
    }
}

fn end() -> End {
    End {
        time: Rfc3339(clock::now().1),
        ticks: 0,
        slots_in_use: 0,
        reason: Reason::Eof,
    }
}
