//! Time from exec until every byte is counted.

use anyhow::Result;

use super::section::Section;
use super::spread::Spread;
use super::table::{self, Table, Target};
use super::tracer::Tracer;
use super::{Bench, now, progress};

/// In milliseconds.
const TARGET: Target = Target::AtMost(300.0);

/// Starts each build of the tracer several times, in turn.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let programs = &bench.programs;
    let mut builds = vec![("netperf-trace", programs.tracer.as_path(), Vec::new())];
    if let Some(older) = &programs.older {
        builds.push(("an older build", older, Vec::new()));
    }
    progress("start");
    for _ in 0..=bench.effort.repeats {
        for (_, program, times_ms) in &mut builds {
            let began = now();
            let tracer = Tracer::start(program, None)?;
            times_ms.push(began.elapsed().as_secs_f64() * 1e3);
            tracer.stop()?;
        }
    }
    let mut table = Table::new(&["program", "starts", "ms"]);
    for (name, _, times_ms) in builds {
        let count = times_ms.len().to_string();
        let times = table::cell(Spread::of(times_ms), 0, Some(TARGET));
        table.row([name.to_owned(), count, times]);
    }
    Ok(Section::new("From exec to the `start` line").table(&table))
}
