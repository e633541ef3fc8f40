//! What does it cost to follow the state of every connection, where most connections are made?

use anyhow::Result;

use super::Bench;
use super::companion::Companion;
use super::contest::{Contest, Heat};
use super::load::Scene;
use super::section::Section;
use super::table::{self, Table, Target, cell};

/// Of the rate without.
const TARGET: Target = Target::AtLeast(0.93);

/// Connections beside nothing, and beside the tracer with and without these hooks. It runs on another CPU:
/// what it does with the rows of so many connections is not what is asked here.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let without = Companion::TracerElsewhere;
    let companions = [Companion::Nothing, without, Companion::StatesElsewhere];
    let contest = Contest::run(bench, Scene::CHURN, &companions, bench.effort.repeats)?;
    let rate = |heat: &Heat| heat.per_second;
    let mut table = Table::new(&[
        "beside",
        "connections a second",
        "of untraced",
        "of the tracer without",
        "bytes shown",
    ]);
    for companion in companions {
        let follows = companion == Companion::StatesElsewhere;
        let of_without = contest.ratio(companion, without, rate);
        let shown = contest.accuracy(companion, |heat| &heat.everyone);
        table.row([
            companion.describe().to_owned(),
            cell(contest.spread(companion, rate), 0, None),
            cell(contest.ratio(companion, Companion::Nothing, rate), 3, None),
            cell(of_without.filter(|_| follows), 3, Some(TARGET)),
            if companion.is_tracer() {
                shown.describe()
            } else {
                table::none()
            },
        ]);
    }
    Ok(Section::new("Hooks that follow the states of connections").table(&table))
}
