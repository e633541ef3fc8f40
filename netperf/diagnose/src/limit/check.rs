//! Was the rate reached that was asked for? `limit --check`, `--check='up>=19MB/s'`.

use netperf_core::sample::limit::{DirectionNow, LimitNow};
use netperf_core::units::{ByteRate, Percent, Units};

use crate::condition::{Condition, Metric, Quantity};

/// What conditions of `limit --check` can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitMetric {
    /// By how much the rate was missed, of its limit, in each direction that is limited.
    Off,
    /// The rate of what was sent.
    Up,
    /// The rate of what was received.
    Down,
}

impl Metric for LimitMetric {
    const ALL: &'static [Self] = &[Self::Off, Self::Up, Self::Down];
    const EXAMPLE: &'static str = "off<=5%` or `up>=19MB/s";

    fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    fn quantity(self) -> Quantity {
        match self {
            Self::Off => Quantity::Percent,
            Self::Up | Self::Down => Quantity::Rate,
        }
    }
}

/// Result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The condition holds in every direction that it is about.
    pub is_met: bool,
    /// The result in words.
    pub text: String,
}

/// Holds what was reached against the condition.
pub fn outcome(condition: &Condition<LimitMetric>, overall: &LimitNow, units: Units) -> Outcome {
    let directions = [
        (LimitMetric::Up, "sent", overall.up),
        (LimitMetric::Down, "received", overall.down),
    ];
    let is_meant = |way: LimitMetric| [LimitMetric::Off, way].contains(&condition.metric);
    let meant = directions.into_iter().filter(|(way, ..)| is_meant(*way));
    let judged: Vec<_> = meant
        .filter_map(|(way, verb, now)| Some(judge(condition, (way, verb), now?, units)))
        .collect();
    if judged.is_empty() {
        return Outcome {
            is_met: false,
            text: format!("{}: that direction is not limited", condition.metric.name()),
        };
    }
    let texts: Vec<_> = judged.iter().map(|one| one.text.as_str()).collect();
    Outcome {
        is_met: judged.iter().all(|one| one.is_met),
        text: texts.join("; "),
    }
}

fn judge(
    condition: &Condition<LimitMetric>,
    (way, verb): (LimitMetric, &str),
    now: DirectionNow,
    units: Units,
) -> Outcome {
    let (name, wanted) = (way.name(), now.limit_bytes_per_s);
    let Some(reached) = now.bytes_per_s else {
        return Outcome {
            is_met: false,
            text: format!("{name}: the rate could not be measured"),
        };
    };
    let off = float(wanted.abs_diff(reached)) * 100.0 / float(wanted.max(1));
    let value = match condition.metric {
        LimitMetric::Off => off,
        LimitMetric::Up | LimitMetric::Down => float(reached),
    };
    let is_met = condition.holds(value);
    let shown = |bytes| units.rate(ByteRate(bytes));
    let side = if reached < wanted { "below" } else { "above" };
    let is_near = condition.metric == LimitMetric::Off && is_met && condition.operator.is_upper();
    let distance = if is_near {
        format!("within {} of", condition.bound_text())
    } else {
        format!("{} {side}", Percent(off))
    };
    let reason = if !is_met && reached < wanted {
        ": perhaps there was no more to move, or something else is the bottleneck"
    } else {
        ""
    };
    Outcome {
        is_met,
        text: format!(
            "{name}: {verb} {}, {distance} {}{reason}",
            shown(reached),
            shown(wanted)
        ),
    }
}

#[expect(clippy::cast_precision_loss, reason = "no rate needs 53 bits")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(condition: &str, bytes_per_s: Option<u64>) -> Outcome {
        let up = DirectionNow {
            limit_bytes_per_s: 20_000_000,
            bytes_per_s,
            bytes: 0,
            dropped: 0,
            queued_bytes: 0,
        };
        let overall = LimitNow {
            up: Some(up),
            ..LimitNow::default()
        };
        outcome(&condition.parse().unwrap(), &overall, Units::Auto)
    }

    #[test]
    fn a_condition_is_held_against_the_rate_that_was_reached() {
        for (condition, rate, is_met) in [
            ("off<=5%", 19_000_000, true),
            ("off<=5%", 21_000_000, true),
            ("off<=5%", 18_999_999, false),
            ("off<=5%", 21_000_001, false),
            ("off<5", 19_000_000, false),
            ("off<5", 19_000_001, true),
            ("off>1%", 19_000_000, true),
            ("up>=19MB/s", 19_000_000, true),
            ("up>19MB", 19_000_000, false),
            ("up<=160Mbit", 20_000_000, true),
            ("up<20MB/s", 20_000_000, false),
            ("down>1MB/s", 20_000_000, false),
        ] {
            let outcome = checked(condition, Some(rate));
            assert_eq!(outcome.is_met, is_met, "{condition} {rate}: {outcome:?}");
        }
        assert!(!checked("off<=5", None).is_met);
        for wrong in ["off", "off=5", "on>1", "up>=19", "down>1%"] {
            assert!(wrong.parse::<Condition<LimitMetric>>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn it_says_which_way_and_that_there_may_be_too_little_to_move() {
        let low = checked("off<=5%", Some(12_000_000)).text;
        assert!(
            low.starts_with("up: sent 12.0 MB/s, 40 % below 20.0 MB/s"),
            "{low}"
        );
        assert!(low.contains("no more to move"), "{low}");
        let high = checked("off<=5%", Some(25_000_000)).text;
        assert_eq!(high, "up: sent 25.0 MB/s, 25 % above 20.0 MB/s");
        let near = checked("off<=5%", Some(20_100_000)).text;
        assert_eq!(near, "up: sent 20.1 MB/s, within 5 % of 20.0 MB/s");
    }
}
