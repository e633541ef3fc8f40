//! A few measured times, summed up: shortest, longest, percentiles.

use std::time::Duration;

use serde::Serialize;

use super::percentile::percentile;

/// Times in microseconds, rounded. Percentiles are nearest-rank: each is a time that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Spread {
    /// Shortest time.
    pub min_us: u64,
    /// Their sum by their number.
    pub avg_us: u64,
    /// Half of them took no longer.
    pub p50_us: u64,
    /// 95 of a hundred took no longer; of fewer than 20, that is the longest.
    pub p95_us: u64,
    /// Longest time.
    pub max_us: u64,
}

impl Spread {
    /// The spread of these times; `None` without any.
    pub fn of(times: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let mut times: Vec<u64> = times.into_iter().map(micros).collect();
        times.sort_unstable();
        let (&min_us, &max_us) = (times.first()?, times.last()?);
        let count = u64::try_from(times.len()).ok()?;
        Some(Self {
            min_us,
            avg_us: times.iter().sum::<u64>() / count,
            p50_us: percentile(&times, 50)?,
            p95_us: percentile(&times, 95)?,
            max_us,
        })
    }
}

/// Whole microseconds.
pub fn micros(time: Duration) -> u64 {
    u64::try_from((time.as_nanos() + 500) / 1_000).unwrap_or(u64::MAX)
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
}
