//! Tables for people: columns, cells, and which columns fit a line.
//!
//! Cells carry values, not text: units are the renderer's business.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use netperf_core::units::{ByteRate, Bytes, Growth, PerSecond, Percent};

use super::sort::{Sort, SortKey};

/// Spaces between two columns.
const GAP: usize = 2;

/// The value of one cell. Its text depends on the units that the user chose.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'t> {
    /// Text, which may be untrusted.
    Text(Cow<'t, str>),
    /// A number of things.
    Count(u64),
    /// A size in bytes.
    Bytes(Bytes),
    /// Bytes in a queue.
    Queue(Bytes),
    /// A data rate.
    Rate(ByteRate),
    /// A length of time.
    Duration(Duration),
    /// A percentage.
    Percent(Percent),
    /// Events per second.
    PerSecond(PerSecond),
    /// A change per second.
    Growth(Growth),
    /// Values over time, the oldest first.
    Trend(Vec<u64>),
    /// Several cells, side by side.
    Several(Vec<Cell<'t>>),
    /// A value that is not known.
    Unknown,
    /// An empty cell.
    Blank,
}

/// Converts values of these types into cells.
macro_rules! cells {
    ($($value:ty => $cell:expr,)*) => {$(
        impl<'t> From<$value> for Cell<'t> {
            fn from(value: $value) -> Self {
                $cell(value)
            }
        }
    )*};
}

cells! {
    &'t str => |text| Self::Text(Cow::Borrowed(text)),
    String => |text| Self::Text(Cow::Owned(text)),
    Cow<'t, str> => Self::Text,
    IpAddr => |address: IpAddr| address.to_string().into(),
    SocketAddr => |address: SocketAddr| address.to_string().into(),
    u8 => |count: u8| Self::Count(count.into()),
    u32 => |count: u32| Self::Count(count.into()),
    u64 => Self::Count,
    usize => |count| Self::Count(count as u64),
    Bytes => Self::Bytes,
    ByteRate => Self::Rate,
    Duration => Self::Duration,
    Percent => Self::Percent,
    PerSecond => Self::PerSecond,
    Growth => Self::Growth,
}

/// A missing value becomes [`Cell::Unknown`].
impl<T: Into<Self>> From<Option<T>> for Cell<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Into::into)
    }
}

/// Alignment of the cells in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Flush left, for words.
    Left,
    /// Flush right, for numbers.
    Right,
}

/// A column: its heading, its width, and its rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The heading.
    pub title: &'static str,
    /// Alignment of its cells.
    pub align: Align,
    /// Smallest useful width.
    pub min: usize,
    /// Largest useful width.
    pub max: usize,
    /// Columns with the highest rank go first where space is short; 0 never goes.
    pub rank: u8,
    /// The sort key of this column.
    pub key: Option<SortKey>,
    /// Which part of a text that is too long is kept.
    pub keep: Keep,
}

/// Which part of a text that is too long is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The beginning, for names.
    Beginning,
    /// The end, for addresses with a port.
    End,
}

/// One line of cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row<'t> {
    /// One cell for each column.
    pub cells: Vec<Cell<'t>>,
    /// Shown dimmed: nothing moves there now.
    pub quiet: bool,
}

/// Rows under column headings.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<'t> {
    /// The columns, from left to right.
    pub columns: Vec<Column>,
    /// The rows, in order.
    pub rows: Vec<Row<'t>>,
    /// The order of the rows, where the user chooses it.
    pub sort: Option<Sort>,
}

impl Column {
    const fn new(title: &'static str, align: Align, (min, max): (usize, usize), rank: u8) -> Self {
        Self {
            title,
            align,
            min,
            max,
            rank,
            key: None,
            keep: Keep::Beginning,
        }
    }
}

/// Builds a table, one call for each column: its title, width and rank, and its cell in each row. Where
/// space is short, columns with the highest rank go first; 0 never goes.
#[derive(Clone, Debug)]
pub struct Columns<'t, R> {
    rows: Vec<R>,
    table: Table<'t>,
}

impl<'t, R: Copy> Columns<'t, R> {
    /// Starts a table of these rows, without columns.
    pub fn of(rows: impl IntoIterator<Item = R>) -> Self {
        let rows: Vec<R> = rows.into_iter().collect();
        let table = Table {
            columns: Vec::new(),
            rows: vec![Row::default(); rows.len()],
            sort: None,
        };
        Self { rows, table }
    }

    /// Adds a column of text, as wide as its longest cell but at most `width`.
    #[must_use]
    pub fn words<C: Into<Cell<'t>>>(
        self,
        title: &'static str,
        width: RangeInclusive<usize>,
        rank: u8,
        cell: impl Fn(R) -> C,
    ) -> Self {
        let column = Column::new(title, Align::Left, width.into_inner(), rank);
        self.column(column, cell)
    }

    /// Adds a column of numbers with a fixed width, so that it does not jump.
    #[must_use]
    pub fn numbers<C: Into<Cell<'t>>>(
        self,
        title: &'static str,
        width: usize,
        rank: u8,
        cell: impl Fn(R) -> C,
    ) -> Self {
        let column = Column::new(title, Align::Right, (width, width + 4), rank);
        self.column(column, cell)
    }

    fn column<C: Into<Cell<'t>>>(mut self, column: Column, cell: impl Fn(R) -> C) -> Self {
        self.table.columns.push(column);
        for (line, &row) in self.table.rows.iter_mut().zip(&self.rows) {
            line.cells.push(cell(row).into());
        }
        self
    }

    /// The rows of the table.
    pub fn rows(&self) -> &[R] {
        &self.rows
    }

    /// Makes the last column sortable.
    #[must_use]
    pub fn sorted_by(mut self, key: SortKey) -> Self {
        if let Some(column) = self.table.columns.last_mut() {
            column.key = Some(key);
        }
        self
    }

    /// Makes the last column sortable if `counts` is true.
    #[must_use]
    pub fn sorted_if(self, counts: bool, key: SortKey) -> Self {
        if counts { self.sorted_by(key) } else { self }
    }

    /// Keeps the end of long texts in the last column.
    #[must_use]
    pub fn keeping_the_end(mut self) -> Self {
        if let Some(column) = self.table.columns.last_mut() {
            column.keep = Keep::End;
        }
        self
    }

    /// Dims the rows that match.
    #[must_use]
    pub fn quiet_if(mut self, is_quiet: impl Fn(R) -> bool) -> Self {
        for (line, &row) in self.table.rows.iter_mut().zip(&self.rows) {
            line.quiet = is_quiet(row);
        }
        self
    }

    /// Finishes a table whose rows are in the order that the user chose.
    pub fn in_order(self, sort: Sort) -> Table<'t> {
        Table {
            sort: Some(sort),
            ..self.table
        }
    }

    /// Finishes a table with a fixed order.
    pub fn table(self) -> Table<'t> {
        self.table
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
        Column::new("PID", Align::Right, (7, 11), 0),
        Column::new("USER", Align::Left, (8, 12), 2),
        Column::new("NAME", Align::Left, (10, 30), 1),
    ];

    #[test]
    fn each_row_has_a_cell_for_each_column_and_what_is_not_known_says_so() {
        let rows = [("rsync", Some(7_u32)), ("kernel", None)];
        let table = Columns::of(&rows)
            .words("NAME", 10..=30, 0, |row| row.0)
            .numbers("PID", 7, 0, |row| row.1)
            .quiet_if(|row| row.1.is_none())
            .table();
        let cells = table.rows.iter().map(|row| row.cells.as_slice());
        let expected: [&[Cell<'_>]; 2] = [
            &["rsync".into(), Cell::Count(7)],
            &["kernel".into(), Cell::Unknown],
        ];
        assert!(cells.eq(expected));
        assert!(table.rows[1].quiet);
        assert_eq!(table.columns[1].title, "PID");
    }

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
