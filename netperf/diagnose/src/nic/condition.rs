//! What must an interface not do in any tick? `--fail-if errors>0,drops>0,util>=90`.

use netperf_core::model::nic::figures::NicRow;

use crate::condition::{Condition, Metric, Quantity};

/// What conditions of `nic` can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NicMetric {
    /// Damaged packets in one tick.
    Errors,
    /// Packets that were thrown away in one tick.
    Drops,
    /// Share of the speed that is used.
    Utilisation,
}

impl Metric for NicMetric {
    const ALL: &'static [Self] = &[Self::Errors, Self::Drops, Self::Utilisation];
    const EXAMPLE: &'static str = "errors>0` or `util>=90%";

    fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Drops => "drops",
            Self::Utilisation => "util",
        }
    }

    fn quantity(self) -> Quantity {
        match self {
            Self::Errors | Self::Drops => Quantity::Count,
            Self::Utilisation => Quantity::Percent,
        }
    }
}

/// Whether it can be checked only where the speed of a link is known.
pub fn needs_a_speed(condition: &Condition<NicMetric>) -> bool {
    condition.metric == NicMetric::Utilisation
}

/// Each interface of which it held in this tick, in words.
pub fn broken(condition: &Condition<NicMetric>, rows: &[NicRow<'_>]) -> Vec<String> {
    let sentence = |row: &NicRow<'_>| {
        let value = value(condition.metric, row).filter(|&value| condition.holds(value))?;
        Some(format!("{}: {}", row.place(), condition.sentence(value)))
    };
    rows.iter().filter_map(sentence).collect()
}

fn value(metric: NicMetric, row: &NicRow<'_>) -> Option<f64> {
    let count = match metric {
        NicMetric::Errors => row.errors_in_tick()?,
        NicMetric::Drops => row.drops_in_tick()?,
        NicMetric::Utilisation => return row.utilisation_percent,
    };
    #[expect(clippy::cast_precision_loss, reason = "no tick has 2^53 packets")]
    Some(count as f64)
}
