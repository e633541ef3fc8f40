//! How are a few measured times summed up?

use std::time::Duration;

use serde::Serialize;

/// Times in microseconds, rounded. Percentiles are nearest-rank: each is a time that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// The shortest.
    pub min_us: u64,
    /// Their sum by their number.
    pub avg_us: u64,
    /// Half of them took no longer.
    pub p50_us: u64,
    /// 95 of a hundred took no longer; of fewer than 20, that is the longest.
    pub p95_us: u64,
    /// The longest.
    pub max_us: u64,
}

impl Spread {
    /// `None` of nothing.
    pub fn of(times: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let mut times: Vec<u64> = times.into_iter().map(micros).collect();
        times.sort_unstable();
        let (&min_us, &max_us) = (times.first()?, times.last()?);
        let count = u64::try_from(times.len()).ok()?;
        let rank = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).max(1);
            times.get(rank - 1).copied()
        };
        Some(Self {
            min_us,
            avg_us: times.iter().sum::<u64>() / count,
            p50_us: rank(50)?,
            p95_us: rank(95)?,
            max_us,
        })
    }
}

/// Whole microseconds.
pub fn micros(time: Duration) -> u64 {
    u64::try_from((time.as_nanos() + 500) / 1_000).unwrap_or(u64::MAX)
}

/// A time in three significant digits: `73 µs`, `1.20 ms`, `2.50 s`.
pub fn said(micros: u64) -> String {
    // What is lost above 2^53 µs, 285 years, nobody misses.
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = micros as f64;
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..9_995 => format!("{:.2} ms", value / 1e3),
        9_995..99_950 => format!("{:.1} ms", value / 1e3),
        99_950..999_500 => format!("{:.0} ms", value / 1e3),
        _ => format!("{:.2} s", value / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let spread = Spread::of((1..=100).map(Duration::from_millis)).unwrap();
        assert_eq!((spread.min_us, spread.max_us), (1_000, 100_000));
        assert_eq!((spread.p50_us, spread.p95_us), (50_000, 95_000));
        assert_eq!(spread.avg_us, 50_500);
        let few = Spread::of([3, 1].map(Duration::from_millis)).unwrap();
        assert_eq!((few.p50_us, few.p95_us), (1_000, 3_000));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn times_have_three_digits() {
        for (micros, text) in [
            (73, "73 µs"),
            (1_200, "1.20 ms"),
            (9_996, "10.0 ms"),
            (23_456, "23.5 ms"),
            (99_960, "100 ms"),
            (999_600, "1.00 s"),
            (2_500_000, "2.50 s"),
        ] {
            assert_eq!(said(micros), text);
        }
    }
}
