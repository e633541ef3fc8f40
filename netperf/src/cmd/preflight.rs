//! `doctor --kernel`: does the program run on this machine?

use std::io::{self, Write};

use anyhow::Context;
use netperf_core::clock;
use netperf_sys::preflight;

use super::args::common::Common;
use super::logging;
use crate::render::output::{Format, Silent};
use crate::view::envelope::{End, Reason, SCHEMA, Start};
use crate::view::preflight::Readiness;
use crate::view::time::Rfc3339;
use netperf_core::failure::Failure;

/// Examines this machine and writes what it found.
///
/// # Errors
/// [`Failure::CheckFailed`] if nothing can be counted here.
pub(super) fn run(common: &Common) -> anyhow::Result<()> {
    logging::start(common.verbose, None);
    let machine = preflight::examine();
    let report = Readiness::new(&machine, common.hooks, Rfc3339(clock::now().1));
    let format = common.format(Format::Text);
    let mut page = Vec::new();
    format.report(&Silent(&start(&report)), &mut page)?;
    format.report(&report, &mut page)?;
    format.report(&Silent(&end()), &mut page)?;
    io::stdout().write_all(&page).context("can't write")?;
    if report.found.can_count {
        return Ok(());
    }
    Err(Failure::CheckFailed(report.found.summary()).into())
}

fn start(report: &Readiness) -> Start {
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
