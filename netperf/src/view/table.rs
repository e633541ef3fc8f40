//! What does a table consist of, and which of its columns fit?
//!
//! Cells carry values, not text: units are the renderer's business.

use std::borrow::Cow;

use super::sort::{Sort, SortKey};

/// Blanks between two columns.
const GAP: usize = 2;

/// One value to show. `None` is a value that is not known.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'m> {
    /// Untrusted text.
    Text(Cow<'m, str>),
    /// A plain number.
    Number(Option<u64>),
    /// Bytes.
    Bytes(Option<u64>),
    /// Bytes per second.
    Speed(Option<u64>),
    /// Microseconds.
    Micros(Option<u32>),
    /// Quantities from old to new.
    Trend(Vec<u64>),
    /// Nothing to say here.
    Blank,
}

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A column's heading and claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Heading.
    pub title: &'static str,
    /// Side on which its cells stand.
    pub align: Align,
    /// Width below which it is of no use.
    pub min: usize,
    /// Width beyond which it gains nothing.
    pub max: usize,
    /// Where room is short, columns with the highest number go first; 0 never goes.
    pub rank: u8,
    /// The key that sorts by this column.
    pub key: Option<SortKey>,
    /// Which part of a cell is kept where it is too long.
    pub keep: Keep,
}

/// Which part of a text is kept where room is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Its beginning.
    Beginning,
    /// Its end, as of an address with its port.
    End,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<'m> {
    /// One cell for each column.
    pub cells: Vec<Cell<'m>>,
    /// Less important than the others: nothing moves there now.
    pub quiet: bool,
}

/// Rows under headings.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<'m> {
    /// Headings, from left to right.
    pub columns: Vec<Column>,
    /// Lines, in order.
    pub rows: Vec<Row<'m>>,
    /// In which order they are.
    pub sort: Sort,
}

impl Column {
    /// A column of words.
    pub const fn words(title: &'static str, min: usize, max: usize, rank: u8) -> Self {
        Self {
            title,
            align: Align::Left,
            min,
            max,
            rank,
            key: None,
            keep: Keep::Beginning,
        }
    }

    /// A column of numbers that keeps its width, so that it stands still.
    pub const fn numbers(title: &'static str, width: usize, rank: u8) -> Self {
        Self {
            title,
            align: Align::Right,
            min: width,
            max: width + 4,
            rank,
            key: None,
            keep: Keep::Beginning,
        }
    }

    /// The same, sorted by `key`.
    #[must_use]
    pub const fn sorted_by(self, key: SortKey) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    /// The same, with the end of a text kept where it is too long.
    #[must_use]
    pub const fn keeping_its_end(self) -> Self {
        Self {
            keep: Keep::End,
            ..self
        }
    }

    /// The same, if these figures are the ones that count.
    #[must_use]
    pub fn sorted_if(self, counts: bool, key: SortKey) -> Self {
        if counts { self.sorted_by(key) } else { self }
    }
}

/// The width of each column in a line of `available` characters, `None` for those left out.
/// `natural` is the width of each column's widest cell.
pub fn fit(columns: &[Column], natural: &[usize], available: usize) -> Vec<Option<usize>> {
    let mut kept: Vec<bool> = vec![true; columns.len()];
    while needed(columns, &kept) > available {
        let kept_now = (0..columns.len()).filter(|&column| kept[column]);
        match kept_now.max_by_key(|&column| columns[column].rank) {
            Some(last) if columns[last].rank > 0 => kept[last] = false,
            _ => break,
        }
    }
    let mut spare = available.saturating_sub(needed(columns, &kept));
    let widen = |(column, (claim, &natural)): (usize, (&Column, &usize))| {
        kept[column].then(|| {
            let wish = natural.clamp(claim.min, claim.max) - claim.min;
            let granted = wish.min(spare);
            spare -= granted;
            claim.min + granted
        })
    };
    columns.iter().zip(natural).enumerate().map(widen).collect()
}

fn needed(columns: &[Column], kept: &[bool]) -> usize {
    let widths = columns
        .iter()
        .zip(kept)
        .filter(|&(_, &kept)| kept)
        .map(|(column, _)| column.min);
    widths.fold(0, |sum, width| sum + width + if sum > 0 { GAP } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column::numbers("PID", 7, 0),
        Column::words("USER", 8, 12, 2),
        Column::words("NAME", 10, 30, 1),
    ];

    #[test]
    fn the_least_important_column_goes_first() {
        assert_eq!(fit(&COLUMNS, &[7, 8, 10], 29), [Some(7), Some(8), Some(10)]);
        assert_eq!(fit(&COLUMNS, &[7, 8, 10], 28), [Some(7), None, Some(10)]);
        assert_eq!(fit(&COLUMNS, &[7, 8, 10], 18), [Some(7), None, None]);
        assert_eq!(fit(&COLUMNS, &[7, 8, 10], 3), [Some(7), None, None]);
    }

    #[test]
    fn spare_room_goes_to_what_needs_it() {
        assert_eq!(
            fit(&COLUMNS, &[7, 3, 50], 200),
            [Some(7), Some(8), Some(30)]
        );
        assert_eq!(
            fit(&COLUMNS, &[7, 10, 20], 34),
            [Some(7), Some(10), Some(13)]
        );
    }
}
