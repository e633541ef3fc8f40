//! How is a value written for people?

use std::borrow::Cow;

use netperf_core::text::visible;
use netperf_core::units::{ByteRate, Bytes, Units};

use crate::view::table::Cell;
use netperf_core::units::format_micros;

/// Heights of a trend, from nothing to its largest value.
const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The text of a cell; `-` is a value that is not known.
pub fn written<'c>(cell: &'c Cell<'_>, units: Units) -> Cow<'c, str> {
    match cell {
        Cell::Text(text) => visible(text),
        Cell::Number(number) => known(number.map(|number| number.to_string())),
        Cell::Bytes(bytes) => known(bytes.map(|bytes| units.size(Bytes(bytes)))),
        Cell::Speed(speed) => known(speed.map(|speed| rate(speed, units))),
        Cell::Micros(micros) => known(micros.map(format_micros)),
        Cell::Trend(values) => Cow::Owned(trend(values, values.len())),
        Cell::Blank => Cow::Borrowed(""),
    }
}

/// A speed as people see it.
pub fn rate(bytes_per_s: u64, units: Units) -> String {
    units.rate(ByteRate(bytes_per_s))
}

fn known(text: Option<String>) -> Cow<'static, str> {
    text.map_or(Cow::Borrowed("-"), Cow::Owned)
}

/// The values in so many columns, from nothing to the largest; the smallest traffic is still seen.
pub fn trend(values: &[u64], columns: usize) -> String {
    let columns = columns.min(values.len());
    let start = |column: usize| column * values.len() / columns;
    let means: Vec<u128> = (0..columns)
        .map(|column| mean(&values[start(column)..start(column + 1)]))
        .collect();
    let largest = means.iter().copied().max().unwrap_or(0).max(1);
    let height = |&mean: &u128| {
        let step = usize::try_from((mean * 8).div_ceil(largest)).unwrap_or(0);
        HEIGHTS.get(step).copied().unwrap_or(' ')
    };
    means.iter().map(height).collect()
}

fn mean(values: &[u64]) -> u128 {
    let sum: u128 = values.iter().map(|&value| u128::from(value)).sum();
    sum.div_ceil(values.len().max(1) as u128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_spans_its_own_range() {
        assert_eq!(trend(&[0, 1, 500, 1_000], 9), " ▁▄█");
        assert_eq!(trend(&[0, 0], 2), "  ");
        assert_eq!(trend(&[u64::MAX, 1], 2), "█▁");
        assert_eq!(trend(&[], 5), "");
    }

    #[test]
    fn a_narrow_trend_shows_the_whole_time() {
        assert_eq!(trend(&[0, 0, 8, 8, 4, 4], 3), " █▄");
        assert_eq!(trend(&[0, 0, 8, 8, 4, 4], 0), "");
    }

    #[test]
    fn escape_sequences_are_made_visible() {
        let cell = Cell::Text(Cow::Borrowed("\x1b[2Jevil"));
        assert_eq!(written(&cell, Units::Auto), r"\x1b[2Jevil");
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        for cell in [
            Cell::Number(None),
            Cell::Bytes(None),
            Cell::Speed(None),
            Cell::Micros(None),
        ] {
            assert_eq!(written(&cell, Units::Auto), "-");
        }
    }
}
