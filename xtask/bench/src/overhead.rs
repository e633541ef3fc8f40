//! How much slower is traffic that is traced?

use anyhow::Result;

use super::Bench;
use super::comparison::{Comparison, Run};
use super::load::Load;
use super::section::Section;
use super::table::{self, Table, Target};
use super::variant::Variant;

/// A load and the targets for the tracer beside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overhead {
    load: Load,
    title: &'static str,
    /// Heading of the rate, and how many operations are one of it.
    unit: (&'static str, f64),
    of_untraced: Target,
    of_empty: Option<Target>,
    /// Percent of one core.
    cpu: Target,
}

/// One connection, as many rounds as one CPU can do.
pub(super) const ROUND_TRIPS: Overhead = Overhead {
    load: Load::ROUND_TRIPS,
    title: "64-byte requests and responses on one connection, both ends on one CPU",
    unit: ("rounds a second", 1.0),
    of_untraced: Target::AtLeast(0.95),
    of_empty: Some(Target::AtLeast(0.97)),
    cpu: Target::AtMost(1.0),
};

/// As many bytes as go through a veth pair.
pub(super) const BULK: Overhead = Overhead {
    load: Load::BULK,
    title: "Bulk transfer over veth",
    unit: ("MB a second", 1e6),
    of_untraced: Target::AtLeast(0.99),
    of_empty: None,
    cpu: Target::AtMost(1.0),
};

/// As many connections as one CPU can do.
pub(super) const CHURN: Overhead = Overhead {
    load: Load::CHURN,
    title: "Connect, send, receive and close, both ends on one CPU",
    unit: ("connections a second", 1.0),
    of_untraced: Target::AtLeast(0.9),
    of_empty: None,
    cpu: Target::AtMost(20.0),
};

impl Overhead {
    /// Runs the load beside nothing, empty programs and the tracer.
    pub(super) fn measure(&self, bench: &Bench) -> Result<Section> {
        let mut variants = vec![Variant::Baseline, Variant::EmptyHooks, Variant::Tracer];
        if self.load.workload.shares_cpu() {
            variants.push(Variant::TracerElsewhere);
        }
        if bench.programs.older.is_some() {
            let older: Vec<_> = variants.iter().filter_map(|it| it.older()).collect();
            variants.extend(older);
        }
        let comparison = Comparison::run(bench, self.load, &variants, bench.effort.repeats)?;
        let mut table = Table::new(&[
            "beside",
            self.unit.0,
            "of untraced",
            "fastest to fastest",
            "of empty programs",
            "of the older build",
            "CPU, % of a core",
            "bytes shown",
        ]);
        for variant in variants {
            table.row(self.row(&comparison, variant));
        }
        Ok(Section::new(self.title).table(&table))
    }

    fn row(&self, comparison: &Comparison, variant: Variant) -> [String; 8] {
        let ours = variant.is_tracer();
        let with_target = |target: Option<Target>| target.filter(|_| ours);
        let rate = |run: &Run| run.per_second;
        let rates = comparison.spread(variant, rate);
        let of_untraced = comparison.ratio(variant, Variant::Baseline, rate);
        let fastest = comparison.fastest(variant, Variant::Baseline, rate);
        let of_empty = comparison.ratio(variant, Variant::EmptyHooks, rate);
        let of_older = variant.older();
        let of_older = of_older.and_then(|older| comparison.ratio(variant, older, rate));
        let cpu = comparison.spread(variant, |run| run.cpu_percent);
        let reported = comparison.accuracy(variant, |run| &run.everyone);
        [
            variant.describe().to_owned(),
            table::cell(rates.map(|rate| rate.times(1.0 / self.unit.1)), 0, None),
            table::cell(of_untraced, 3, with_target(Some(self.of_untraced))),
            fastest.map_or_else(table::none, |ratio| format!("{ratio:.3}")),
            table::cell(of_empty.filter(|_| ours), 3, self.of_empty),
            table::cell(of_older, 3, Some(Target::AtLeast(0.98))),
            table::cell(cpu.filter(|_| ours), 2, Some(self.cpu)),
            if ours {
                reported.describe()
            } else {
                table::none()
            },
        ]
    }
}
