//! Formats the cells of tables, in the units that the user chose. Nothing else formats cells.

use std::borrow::Cow;

use netperf_core::text::visible;
use netperf_core::units::{ByteRate, Units, format_duration};

use crate::view::table::Cell;

/// Bars of a trend, from zero to its largest value.
const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The text of a cell; `-` for an unknown value.
pub fn written<'c>(cell: &'c Cell<'_>, units: Units) -> Cow<'c, str> {
    let text = match cell {
        Cell::Text(text) => return visible(text),
        Cell::Unknown => return Cow::Borrowed("-"),
        Cell::Blank => return Cow::Borrowed(""),
        Cell::Count(count) => count.to_string(),
        Cell::Bytes(size) => units.size(*size),
        Cell::Queue(waiting) => units.queue(*waiting),
        Cell::Rate(rate) => units.rate(*rate),
        Cell::Duration(time) => format_duration(*time),
        Cell::Percent(share) => share.to_string(),
        Cell::PerSecond(rate) => rate.to_string(),
        Cell::Growth(growth) => growth.to_string(),
        Cell::Trend(values) => trend(values, values.len()),
        Cell::Several(cells) => {
            let texts: Vec<_> = cells.iter().map(|cell| written(cell, units)).collect();
            texts.join(" ")
        }
    };
    Cow::Owned(text)
}

/// A rate in these units, `-` if it is unknown.
pub fn rate(bytes_per_s: Option<u64>, units: Units) -> String {
    written(&bytes_per_s.map(ByteRate).into(), units).into_owned()
}

/// A bar for each of so many columns, scaled to the largest value; the smallest traffic still shows.
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
    use netperf_core::units::Bytes;

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
        assert_eq!(written(&None::<u32>.into(), Units::Auto), "-");
        assert_eq!(rate(None, Units::Mbit), "-");
    }

    #[test]
    fn the_units_reach_every_size_and_rate_of_a_cell() {
        let up = Cell::Several(vec!["up".into(), ByteRate(125_000).into()]);
        assert_eq!(written(&up, Units::Mbit), "up 1.00 Mbit/s");
        assert_eq!(written(&Cell::Queue(Bytes(125)), Units::Kbit), "1.00 kbit");
    }
}
