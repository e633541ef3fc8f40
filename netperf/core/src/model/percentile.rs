//! What do so many percent of the values not exceed? By nearest rank, of values and of histograms.

use crate::sample::latency::TimeSpan;

/// The value that so many percent of all do not exceed: one that is there. `None` of nothing.
pub fn percentile<T: Copy>(sorted: &[T], percent: u8) -> Option<T> {
    let rank = (sorted.len() * usize::from(percent)).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

/// The time that so many percent of all in a histogram are below, whose spans ascend. Within a span, times
/// are taken to be spread evenly. 0 of nothing.
pub fn percentile_us(spans: &[TimeSpan], percent: u8) -> u32 {
    let count: u64 = spans.iter().map(|span| u64::from(span.count)).sum();
    let hundredths = count * u64::from(percent);
    let mut passed = 0;
    for span in spans {
        let here = u64::from(span.count) * 100;
        if passed + here >= hundredths && here > 0 {
            let width = u64::from(span.to_us - span.from_us);
            let part = width * (hundredths - passed) / here;
            return span.from_us + u32::try_from(part).unwrap_or(0);
        }
        passed += here;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let hundred: Vec<u32> = (1..=100).collect();
        for (percent, value) in [(0, 1), (1, 1), (50, 50), (95, 95), (100, 100)] {
            assert_eq!(percentile(&hundred, percent), Some(value));
        }
        assert_eq!(percentile(&[1, 3], 50), Some(1));
        assert_eq!(percentile(&[1, 3], 95), Some(3));
        assert_eq!(percentile::<u32>(&[], 50), None);
    }

    #[test]
    fn a_percentile_of_a_histogram_is_within_its_span() {
        let span = |from_us, to_us, count| TimeSpan {
            from_us,
            to_us,
            count,
        };
        let spans = [span(10, 20, 50), span(20, 40, 50)];
        for (percent, value) in [(10, 12), (50, 20), (75, 30), (100, 40)] {
            assert_eq!(percentile_us(&spans, percent), value);
        }
        assert_eq!(percentile_us(&[], 50), 0);
    }
}
