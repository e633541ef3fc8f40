//! Tables as aligned lines of text, no wider than the space there is.

use std::borrow::Cow;
use std::io::{self, Write};

use netperf_core::text::{fit, fit_end, width};
use netperf_core::units::Units;

use super::cell::written;
use super::prose::LINE;
use crate::view::table::{self, Align, Column, Keep, Row, Table};

/// The headings and the rows, in lines of at most `available` columns.
pub(super) fn lines(table: &Table<'_>, units: Units, available: usize) -> Vec<String> {
    let texts: Vec<Vec<Cow<'_, str>>> = table.rows.iter().map(|row| texts(row, units)).collect();
    let natural: Vec<usize> = (0..table.columns.len())
        .map(|column| {
            let widths = texts.iter().map(|row| width(&row[column]));
            widths.max().unwrap_or(0)
        })
        .collect();
    let widths = table::fit(&table.columns, &natural, available);
    let titles: Vec<_> = table
        .columns
        .iter()
        .map(|column| Cow::Borrowed(column.title))
        .collect();
    let rows = std::iter::once(&titles).chain(&texts);
    rows.map(|row| aligned(&table.columns, &widths, row).trim_end().to_owned())
        .collect()
}

/// Writes the first `most` rows below their heading, and how many more there are; nothing without rows.
/// Lines have at most `width` columns if there is a terminal.
pub(super) fn below(
    heading: &str,
    mut table: Table<'_>,
    most: usize,
    (units, width): (Units, Option<usize>),
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let more = table.rows.len().saturating_sub(most);
    table.rows.truncate(most);
    if table.rows.is_empty() {
        return Ok(());
    }
    if !heading.is_empty() {
        writeln!(out, "{heading}")?;
    }
    for line in lines(&table, units, width.unwrap_or(LINE)) {
        writeln!(out, "{line}")?;
    }
    if more > 0 {
        writeln!(out, "and {more} more (--json has all)")?;
    }
    Ok(())
}

fn texts<'c>(row: &'c Row<'_>, units: Units) -> Vec<Cow<'c, str>> {
    row.cells.iter().map(|cell| written(cell, units)).collect()
}

fn aligned(columns: &[Column], widths: &[Option<usize>], texts: &[Cow<'_, str>]) -> String {
    let cells = columns.iter().zip(widths).zip(texts);
    let shown = cells.filter_map(|((column, &width), text)| Some(padded(column, width?, text)));
    shown.collect::<Vec<_>>().join("  ")
}

/// The text in exactly `room` columns.
pub(super) fn padded(column: &Column, room: usize, text: &str) -> String {
    let text = match column.keep {
        Keep::Beginning => fit(text, room),
        Keep::End => fit_end(text, room),
    };
    let blank = " ".repeat(room.saturating_sub(width(&text)));
    match column.align {
        Align::Left => format!("{text}{blank}"),
        Align::Right => format!("{blank}{text}"),
    }
}
