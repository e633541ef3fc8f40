//! Cost of following the state of every connection, at a high rate of connections.

use anyhow::Result;

use super::Bench;
use super::comparison::{Comparison, Run};
use super::load::Load;
use super::section::Section;
use super::table::{self, Table, Target, cell};
use super::variant::Variant;

/// Share of the rate without these hooks.
const TARGET: Target = Target::AtLeast(0.93);

/// Compares the tracer with and without these hooks. It runs on another CPU, so that the cost of its own rows does
/// not count.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let without = Variant::TracerElsewhere;
    let variants = [Variant::Baseline, without, Variant::StatesElsewhere];
    let comparison = Comparison::run(bench, Load::CHURN, &variants, bench.effort.repeats)?;
    let rate = |run: &Run| run.per_second;
    let mut table = Table::new(&[
        "beside",
        "connections a second",
        "of untraced",
        "of the tracer without",
        "bytes shown",
    ]);
    for variant in variants {
        let follows = variant == Variant::StatesElsewhere;
        let of_without = comparison.ratio(variant, without, rate);
        let reported = comparison.accuracy(variant, |run| &run.everyone);
        table.row([
            variant.describe().to_owned(),
            cell(comparison.spread(variant, rate), 0, None),
            cell(comparison.ratio(variant, Variant::Baseline, rate), 3, None),
            cell(of_without.filter(|_| follows), 3, Some(TARGET)),
            if variant.is_tracer() {
                reported.describe()
            } else {
                table::none()
            },
        ]);
    }
    Ok(Section::new("Hooks that follow the states of connections").table(&table))
}
