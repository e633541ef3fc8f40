//! CPU time of a tick and memory with very many open sockets.

use std::time::Duration;

use anyhow::Result;

use super::memory::{self, Memory};
use super::open_sockets::OpenSockets;
use super::section::Section;
use super::spread::Spread;
use super::table::{self, Table, Target};
use super::tracer::Tracer;
use super::{Bench, now, progress};

/// Open sockets, target of CPU milliseconds per tick, target of MiB.
const SIZES: [(usize, Target, Target); 2] = [
    (10_000, Target::AtMost(5.0), Target::AtMost(30.0)),
    (100_000, Target::AtMost(30.0), Target::AtMost(120.0)),
];

/// Sockets that are used in a tick when some are.
const SOME: usize = 1_000;

/// The variant in which every socket is used in each tick.
const ALL: &str = "all";

const MIB: f64 = 1_048_576.0;

/// Measures both for each number of sockets.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let mut ticks = Table::new(&["open sockets", "used in each tick", "CPU a tick, ms"]);
    let mut memory = Table::new(&[
        "open sockets",
        "process, MiB",
        "maps, MiB",
        "kernel objects, MiB",
        "sum, MiB",
        "exec to `start`, ms",
        "bytes shown",
    ]);
    for (sockets, tick_target, memory_target) in SIZES {
        progress(&format!("{sockets} sockets"));
        let mut watched = Watched::begin(bench, sockets)?;
        for (variant, costs) in watched.ticks(bench.effort.few())? {
            ticks.row(tick_row(sockets, variant, &costs, tick_target));
        }
        memory.row(watched.end(memory_target)?);
    }
    Ok(Section::new("Many open sockets")
        .table(&ticks)
        .table(&memory)
        .remark(
            "Memory is taken after every socket has been used. Process: its resident pages, without \
             those of its maps. Kernel objects: growth of `SUnreclaim` since before the tracer \
             began, where what it remembers of each socket is; what other programs do meanwhile is \
             in it too.",
        ))
}

/// Many sockets and a tracer that watches them.
struct Watched {
    open_sockets: OpenSockets,
    tracer: Tracer,
    start: Duration,
    objects_before: u64,
}

impl Watched {
    fn begin(bench: &Bench, sockets: usize) -> Result<Self> {
        let open_sockets = OpenSockets::open(&bench.programs, sockets)?;
        let objects_before = memory::kernel_objects()?;
        let began = now();
        let tracer = Tracer::start(&bench.programs.tracer, None)?;
        Ok(Self {
            open_sockets,
            tracer,
            start: began.elapsed(),
            objects_before,
        })
    }

    /// CPU time of ticks before, while and after all sockets are used.
    fn ticks(&mut self, count: usize) -> Result<Vec<(&'static str, Vec<Duration>)>> {
        let Self {
            open_sockets,
            tracer,
            ..
        } = self;
        let all = open_sockets.sockets;
        let mut ticks = |count, used| {
            tracer.cost_of_ticks(count, || match used {
                0 => Ok(()),
                used => open_sockets.use_sockets(used),
            })
        };
        Ok(vec![
            ("none, never used yet", ticks(count, 0)?),
            ("1 000", ticks(count, SOME)?),
            (ALL, ticks(2, all)?),
            ("none, all used before", ticks(count, 0)?),
            ("1 000, all used before", ticks(count, SOME)?),
        ])
    }

    /// Ends both and returns the row of their memory.
    fn end(self, target: Target) -> Result<[String; 7]> {
        let Memory { process, maps } = Memory::of(self.tracer.program().pid())?;
        let objects = memory::kernel_objects()?.saturating_sub(self.objects_before);
        let sum = mib(process + maps + objects);
        let sockets = self.open_sockets.sockets;
        let moved = self.open_sockets.close()?;
        let reported = self.tracer.stop()?;
        Ok([
            sockets.to_string(),
            format!("{:.1}", mib(process)),
            format!("{:.1}", mib(maps)),
            format!("{:.1}", mib(objects)),
            format!("{sum:.1}, {}", target.verdict(sum)),
            self.start.as_millis().to_string(),
            reported.compare(&moved).describe(),
        ])
    }
}

fn tick_row(sockets: usize, used: &str, costs: &[Duration], target: Target) -> [String; 3] {
    let spread = Spread::of(costs.iter().map(|cost| cost.as_secs_f64() * 1e3));
    // A tick that uses every socket is reported only; it has no target.
    let target = Some(target).filter(|_| used != ALL);
    [
        sockets.to_string(),
        used.to_owned(),
        table::cell(spread, 2, target),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "sizes for people")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB
}
