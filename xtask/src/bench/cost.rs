//! What does tracing take from the traffic that is traced?

use anyhow::Result;

use super::Bench;
use super::companion::Companion;
use super::contest::{Contest, Heat};
use super::load::Work;
use super::section::Section;
use super::table::{Table, Target};

/// A load, and what is asked of the tracer beside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    work: Work,
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
    work: Work::RoundTrips,
    title: "64-byte requests and responses on one connection, both ends on one CPU",
    unit: ("rounds a second", 1.0),
    of_untraced: Target::AtLeast(0.95),
    of_empty: Some(Target::AtLeast(0.97)),
    cpu: Target::AtMost(1.0),
};

/// As many bytes as go through a veth pair.
pub(super) const BULK: Cost = Cost {
    work: Work::Bulk,
    title: "Bulk transfer over veth",
    unit: ("MB a second", 1e6),
    of_untraced: Target::AtLeast(0.99),
    of_empty: None,
    cpu: Target::AtMost(1.0),
};

/// As many connections as one CPU can do.
pub(super) const CHURN: Cost = Cost {
    work: Work::Churn,
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
        if self.work.shares_cpu() {
            companions.push(Companion::TracerElsewhere);
        }
        let scene = (self.work, self.work.wire());
        let contest = Contest::run(bench, scene, &companions, bench.effort.repeats)?;
        let mut table = Table::new(&[
            "beside",
            self.unit.0,
            "of untraced",
            "of untraced, by CPU time",
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
        let is_ours = companion.is_tracer();
        let ratio = |to: Companion, figure: fn(&Heat) -> f64, target: Option<Target>| {
            let ratio = contest
                .ratio(companion, to, figure)
                .filter(|_| companion != to);
            let target = target.filter(|_| is_ours);
            ratio.map_or_else(none, |ratio| {
                with_target(format!("{ratio:.3}"), ratio.median, target)
            })
        };
        let rate = contest.spread(companion, |heat| heat.per_second);
        let cpu = contest.spread(companion, |heat| heat.companion_percent);
        [
            companion.describe().to_owned(),
            rate.map_or_else(none, |rate| format!("{:.0}", rate.times(1.0 / self.unit.1))),
            ratio(
                Companion::Nothing,
                |heat| heat.per_second,
                Some(self.of_untraced),
            ),
            ratio(Companion::Nothing, |heat| heat.per_cpu_second, None),
            ratio(Companion::EmptyHooks, |heat| heat.per_second, self.of_empty),
            cpu.filter(|_| is_ours).map_or_else(none, |cpu| {
                with_target(format!("{cpu:.2}"), cpu.median, Some(self.cpu))
            }),
            if is_ours {
                contest
                    .accuracy(companion, |heat| &heat.everyone)
                    .describe()
            } else {
                none()
            },
        ]
    }
}

fn with_target(figure: String, value: f64, target: Option<Target>) -> String {
    match target {
        Some(target) => format!("{figure}, {}", target.verdict(value)),
        None => figure,
    }
}

/// A cell without a figure.
fn none() -> String {
    "-".to_owned()
}
