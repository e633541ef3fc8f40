use netperf_core::sample::latency::TimeSpan;

use super::table::doublings;

fn span(from_us: u32, to_us: u32, count: u32) -> TimeSpan {
    TimeSpan {
        from_us,
        to_us,
        count,
    }
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
