//! How long does it take from exec until every byte counts?

use anyhow::Result;

use super::section::Section;
use super::spread::Spread;
use super::table::{Table, Target};
use super::tracer::Tracer;
use super::{Bench, now, progress};

/// Milliseconds.
const TARGET: Target = Target::AtMost(300.0);

/// Starts the tracer again and again.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let mut times_ms = Vec::new();
    progress("start");
    for _ in 0..=bench.effort.repeats {
        let began = now();
        let tracer = Tracer::start(&bench.programs.tracer, None)?;
        times_ms.push(began.elapsed().as_secs_f64() * 1e3);
        tracer.stop()?;
    }
    let mut table = Table::new(&["starts", "ms", "must"]);
    if let Some(spread) = Spread::of(times_ms.iter().copied()) {
        table.row([
            times_ms.len().to_string(),
            format!("{spread:.0}"),
            TARGET.verdict(spread.median),
        ]);
    }
    Ok(Section::new("From exec to the `start` line").table(&table))
}
