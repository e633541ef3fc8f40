//! What does tracing take from the traffic that is traced?

use anyhow::Result;

use super::Bench;
use super::companion::Companion;
use super::contest::{Contest, Heat};
use super::load::Scene;
use super::section::Section;
use super::table::{self, Table, Target};

/// A load, and what is asked of the tracer beside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    scene: Scene,
    title: &'static str,
    /// Heading of the rate, and how many operations are one of it.
    unit: (&'static str, f64),
    of_untraced: Target,
    of_empty: Option<Target>,
    /// Percent of one core.
    cpu: Target,
}

/// One connection, as many rounds as one CPU can do.
pub(super) const ROUND_TRIPS: Cost = Cost {
    scene: Scene::ROUND_TRIPS,
    title: "64-byte requests and responses on one connection, both ends on one CPU",
    unit: ("rounds a second", 1.0),
    of_untraced: Target::AtLeast(0.95),
    of_empty: Some(Target::AtLeast(0.97)),
    cpu: Target::AtMost(1.0),
};

/// As many bytes as go through a veth pair.
pub(super) const BULK: Cost = Cost {
    scene: Scene::BULK,
    title: "Bulk transfer over veth",
    unit: ("MB a second", 1e6),
    of_untraced: Target::AtLeast(0.99),
    of_empty: None,
    cpu: Target::AtMost(1.0),
};

/// As many connections as one CPU can do.
pub(super) const CHURN: Cost = Cost {
    scene: Scene::CHURN,
    title: "Connect, send, receive and close, both ends on one CPU",
    unit: ("connections a second", 1.0),
    of_untraced: Target::AtLeast(0.9),
    of_empty: None,
    cpu: Target::AtMost(20.0),
};

impl Cost {
    /// Runs it beside nothing, empty programs and the tracer.
    pub(super) fn measure(&self, bench: &Bench) -> Result<Section> {
        let mut companions = vec![Companion::Nothing, Companion::EmptyHooks, Companion::Tracer];
        if self.scene.work.shares_cpu() {
            companions.push(Companion::TracerElsewhere);
        }
        let contest = Contest::run(bench, self.scene, &companions, bench.effort.repeats)?;
        let mut table = Table::new(&[
            "beside",
            self.unit.0,
            "of untraced",
            "fastest to fastest",
            "of empty programs",
            "CPU, % of a core",
            "bytes shown",
        ]);
        for companion in companions {
            table.row(self.row(&contest, companion));
        }
        Ok(Section::new(self.title).table(&table))
    }

    fn row(&self, contest: &Contest, companion: Companion) -> [String; 7] {
        let ours = companion.is_tracer();
        let asked = |target: Option<Target>| target.filter(|_| ours);
        let rate = |heat: &Heat| heat.per_second;
        let rates = contest.spread(companion, rate);
        let of_untraced = contest.ratio(companion, Companion::Nothing, rate);
        let fastest = contest.fastest(companion, Companion::Nothing, rate);
        let of_empty = contest.ratio(companion, Companion::EmptyHooks, rate);
        let cpu = contest.spread(companion, |heat| heat.companion_percent);
        let shown = contest.accuracy(companion, |heat| &heat.everyone);
        [
            companion.describe().to_owned(),
            table::cell(rates.map(|rate| rate.times(1.0 / self.unit.1)), 0, None),
            table::cell(of_untraced, 3, asked(Some(self.of_untraced))),
            fastest.map_or_else(table::none, |ratio| format!("{ratio:.3}")),
            table::cell(of_empty.filter(|_| ours), 3, self.of_empty),
            table::cell(cpu.filter(|_| ours), 2, Some(self.cpu)),
            if ours {
                shown.describe()
            } else {
                table::none()
            },
        ]
    }
}
