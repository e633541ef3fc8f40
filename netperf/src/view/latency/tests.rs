use netperf_core::sample::latency::TimeSpan;

use super::row::Times;
use super::table::doublings;

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

#[test]
fn spans_are_put_together_by_doublings_without_gaps() {
    let doublings = doublings(&[span(5, 6, 1), span(6, 7, 2), span(40, 44, 3)]);
    let expected = [
        span(4, 8, 3),
        span(8, 16, 0),
        span(16, 32, 0),
        span(32, 64, 3),
    ];
    assert_eq!(doublings, expected);
    assert_eq!(super::table::doublings(&[span(0, 1, 2)]), [span(0, 1, 2)]);
}
