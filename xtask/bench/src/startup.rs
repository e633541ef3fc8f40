//! Time from exec until every byte is counted.

use anyhow::Result;

use super::section::Section;
use super::spread::Spread;
use super::table::{self, Table, Target};
use super::tracer::Tracer;
use super::{Bench, now, progress};

/// In milliseconds.
const TARGET: Target = Target::AtMost(300.0);

/// Starts the tracer several times.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let mut times_ms = Vec::new();
    progress("start");
    for _ in 0..=bench.effort.repeats {
        let began = now();
        let tracer = Tracer::start(&bench.programs.tracer, None)?;
        times_ms.push(began.elapsed().as_secs_f64() * 1e3);
        tracer.stop()?;
    }
    let mut table = Table::new(&["starts", "ms"]);
    let count = times_ms.len().to_string();
    table.row([count, table::cell(Spread::of(times_ms), 0, Some(TARGET))]);
    Ok(Section::new("From exec to the `start` line").table(&table))
}
