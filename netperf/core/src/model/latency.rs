//! Percentiles of latencies.

use serde::Serialize;

use super::percentile::percentile_us;
use crate::sample::latency::TimeSpan;

/// Times in µs. Each is taken from a histogram, whose steps are an eighth wide at the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Times {
    /// How many there were.
    pub count: u64,
    /// A tenth of them took less.
    pub p10_us: u32,
    /// Half of them took less.
    pub p50_us: u32,
    /// Nine in ten took less.
    pub p90_us: u32,
    /// 99 in a hundred took less.
    pub p99_us: u32,
    /// All of them took less.
    pub max_us: u32,
}

impl Times {
    /// Of a histogram, whose spans ascend.
    pub fn of(spans: &[TimeSpan]) -> Self {
        Self {
            count: spans.iter().map(|span| u64::from(span.count)).sum(),
            p10_us: percentile_us(spans, 10),
            p50_us: percentile_us(spans, 50),
            p90_us: percentile_us(spans, 90),
            p99_us: percentile_us(spans, 99),
            max_us: spans.last().map_or(0, |span| span.to_us),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from_us: u32, to_us: u32, count: u32) -> TimeSpan {
        TimeSpan {
            from_us,
            to_us,
            count,
        }
    }

    #[test]
    fn a_percentile_is_within_the_span_that_it_falls_in() {
        let times = Times::of(&[span(100, 112, 90), span(1_000, 1_100, 10)]);
        assert_eq!(times.count, 100);
        assert_eq!(times.p10_us, 101, "the first ninth of its span");
        assert_eq!(times.p90_us, 112);
        assert_eq!(times.p99_us, 1_090);
        assert_eq!(times.max_us, 1_100);
    }

    #[test]
    fn no_times_have_no_percentiles() {
        assert_eq!(Times::of(&[]), Times::default());
    }
}
