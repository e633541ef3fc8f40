//! Tables for people: columns made of rows, and which of them fit a line.
//!
//! Cells carry values, not text: units are the renderer's business.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use netperf_core::units::{ByteRate, Bytes, Growth, PerSecond, Percent};

use super::sort::{Sort, SortKey};

/// Blanks between two columns.
const GAP: usize = 2;

/// What a row has in a column. How it is written depends on the units that the user chose.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'t> {
    /// Untrusted text.
    Text(Cow<'t, str>),
    /// A number of things.
    Count(u64),
    /// A size.
    Bytes(Bytes),
    /// Bytes that wait.
    Queue(Bytes),
    /// A speed.
    Rate(ByteRate),
    /// How long something took, is ago, or will take.
    Duration(Duration),
    /// A share.
    Percent(Percent),
    /// Events per second.
    PerSecond(PerSecond),
    /// A change per second.
    Growth(Growth),
    /// Quantities from old to new.
    Trend(Vec<u64>),
    /// Several of these, next to each other.
    Several(Vec<Cell<'t>>),
    /// A value that is not known.
    Unknown,
    /// Nothing to say here.
    Blank,
}

/// Which cell a value makes.
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

/// What is not known is a cell that says so.
impl<T: Into<Self>> From<Option<T>> for Cell<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Into::into)
    }
}

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// As words.
    Left,
    /// As numbers.
    Right,
}

/// A column's heading, and the room that it claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// What stands above it.
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
    /// The beginning, as of a name.
    Beginning,
    /// The end, as of an address with its port.
    End,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row<'t> {
    /// One cell for each column.
    pub cells: Vec<Cell<'t>>,
    /// Less important than the others: nothing moves there now.
    pub quiet: bool,
}

/// Rows under headings.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<'t> {
    /// Headings, from left to right.
    pub columns: Vec<Column>,
    /// Lines, in order.
    pub rows: Vec<Row<'t>>,
    /// In which order they are, where the user chooses it.
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

/// A table in the making. Each column is one call: its title, its width, its rank (where room is short,
/// columns with the highest go first; 0 never goes), and what it shows of a row.
#[derive(Clone, Debug)]
pub struct Columns<'t, R> {
    rows: Vec<R>,
    table: Table<'t>,
}

impl<'t, R: Copy> Columns<'t, R> {
    /// No columns yet, of these rows.
    pub fn of(rows: impl IntoIterator<Item = R>) -> Self {
        let rows: Vec<R> = rows.into_iter().collect();
        let table = Table {
            columns: Vec::new(),
            rows: vec![Row::default(); rows.len()],
            sort: None,
        };
        Self { rows, table }
    }

    /// A column of words, as wide as they are within `width`.
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

    /// A column of numbers that keeps its width, so that it stands still.
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

    /// The rows that columns are made of.
    pub fn rows(&self) -> &[R] {
        &self.rows
    }

    /// Rows can be sorted by the last column.
    #[must_use]
    pub fn sorted_by(mut self, key: SortKey) -> Self {
        if let Some(column) = self.table.columns.last_mut() {
            column.key = Some(key);
        }
        self
    }

    /// Rows can be sorted by the last column, if its figures are the ones that count.
    #[must_use]
    pub fn sorted_if(self, counts: bool, key: SortKey) -> Self {
        if counts { self.sorted_by(key) } else { self }
    }

    /// In the last column the end of a text is kept where it is too long.
    #[must_use]
    pub fn keeping_the_end(mut self) -> Self {
        if let Some(column) = self.table.columns.last_mut() {
            column.keep = Keep::End;
        }
        self
    }

    /// Rows that are less important than the others.
    #[must_use]
    pub fn quiet_if(mut self, is_quiet: impl Fn(R) -> bool) -> Self {
        for (line, &row) in self.table.rows.iter_mut().zip(&self.rows) {
            line.quiet = is_quiet(row);
        }
        self
    }

    /// The table, whose rows are in the order that the user chose.
    pub fn in_order(self, sort: Sort) -> Table<'t> {
        Table {
            sort: Some(sort),
            ..self.table
        }
    }

    /// The table, whose order is not the user's choice.
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
