//! The verdict of `limit --check`: was the rate reached that was asked for?

use netperf_core::sample::limit::LimitNow;
use netperf_core::units::{ByteRate, Units};

/// How far it may be off, in percent.
const TOLERANCE: u64 = 5;

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Every limited direction is near enough.
    pub is_met: bool,
    /// The verdict in words, for each direction.
    pub text: String,
}

/// Compares what was reached with what was asked for.
pub fn outcome(overall: &LimitNow, units: Units) -> Outcome {
    let mut lines = Vec::new();
    let mut is_met = true;
    for (name, verb, direction) in [
        ("up", "sent", overall.up),
        ("down", "received", overall.down),
    ] {
        let Some(direction) = direction else { continue };
        let asked = direction.limit_bytes_per_s;
        let Some(reached) = direction.bytes_per_s else {
            is_met = false;
            lines.push(format!("{name}: the rate could not be measured"));
            continue;
        };
        let off = u128::from(asked.abs_diff(reached)) * 100 > u128::from(asked * TOLERANCE);
        is_met &= !off;
        let shown = |bytes| units.rate(ByteRate(bytes));
        let verdict = match (off, reached < asked) {
            (false, _) => "within 5 % of".to_owned(),
            (true, true) => format!("{} % below", percent(reached, asked)),
            (true, false) => format!("{} % above", percent(reached, asked)),
        };
        let reason = if off && reached < asked {
            ": perhaps there was no more to move, or something else is the bottleneck"
        } else {
            ""
        };
        let (reached, asked) = (shown(reached), shown(asked));
        lines.push(format!(
            "{name}: {verb} {reached}, {verdict} {asked}{reason}"
        ));
    }
    let text = lines.join("; ");
    Outcome { is_met, text }
}

fn percent(reached: u64, asked: u64) -> u128 {
    let off = u128::from(asked.abs_diff(reached)) * 100;
    let asked = u128::from(asked.max(1));
    (off + asked / 2) / asked
}

#[cfg(test)]
mod tests {
    use super::*;
    use netperf_core::sample::limit::DirectionNow;

    fn reached(bytes_per_s: Option<u64>) -> Outcome {
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
        outcome(&overall, Units::Auto)
    }

    #[test]
    fn five_percent_either_way_are_near_enough() {
        for (rate, is_met) in [
            (19_000_000, true),
            (21_000_000, true),
            (18_999_999, false),
            (21_000_001, false),
        ] {
            assert_eq!(reached(Some(rate)).is_met, is_met, "{rate}");
        }
        assert!(!reached(None).is_met);
    }

    #[test]
    fn it_says_which_way_and_that_there_may_be_too_little_to_move() {
        let low = reached(Some(12_000_000)).text;
        assert!(
            low.starts_with("up: sent 12.0 MB/s, 40 % below 20.0 MB/s"),
            "{low}"
        );
        assert!(low.contains("no more to move"), "{low}");
        let high = reached(Some(25_000_000)).text;
        assert_eq!(high, "up: sent 25.0 MB/s, 25 % above 20.0 MB/s");
    }
}
