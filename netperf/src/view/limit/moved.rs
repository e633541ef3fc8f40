//! The totals of a limit as text.

use netperf_core::sample::limit::LimitNow;
use netperf_core::units::{ByteRate, Bytes, Units};

/// Totals as a clause: `: sent 1.20 GB, 19.9 MB/s on average`. Empty where no rate is known.
pub fn moved(overall: &LimitNow, units: Units) -> String {
    let directions = [("sent", overall.up), ("received", overall.down)];
    let each = directions.into_iter().filter_map(|(verb, direction)| {
        let direction = direction?;
        let (bytes, rate) = (Bytes(direction.bytes), ByteRate(direction.bytes_per_s?));
        Some(format!(
            "{verb} {}, {} on average",
            units.size(bytes),
            units.rate(rate)
        ))
    });
    let each: Vec<_> = each.collect();
    if each.is_empty() {
        return String::new();
    }
    format!(": {}", each.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netperf_core::sample::limit::DirectionNow;

    #[test]
    fn each_direction_is_summed_up_and_one_without_a_rate_is_left_out() {
        let up = DirectionNow {
            limit_bytes_per_s: 20_000_000,
            bytes_per_s: Some(19_900_000),
            bytes: 1_200_000_000,
            dropped: 0,
            queued_bytes: 0,
        };
        let both = LimitNow {
            up: Some(up),
            down: Some(up),
            ..LimitNow::default()
        };
        assert_eq!(
            moved(&both, Units::Auto),
            ": sent 1.20 GB, 19.9 MB/s on average; received 1.20 GB, 19.9 MB/s on average"
        );
        let unknown = LimitNow {
            up: Some(DirectionNow {
                bytes_per_s: None,
                ..up
            }),
            ..LimitNow::default()
        };
        assert_eq!(moved(&unknown, Units::Auto), "");
    }
}
