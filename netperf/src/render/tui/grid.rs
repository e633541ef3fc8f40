//! How is a table drawn?

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::render::cell::{trend, written};
use crate::render::text::padded;
use crate::text::width;
use crate::units::Units;
use crate::view::table::{self, Cell, Column, Row, Table};

/// How values and words look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) units: Units,
    pub(super) color: bool,
}

impl Look {
    /// Headings. Colour never says anything that words do not.
    pub(super) fn heading(self) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        if self.color {
            bold.fg(Color::Cyan)
        } else {
            bold
        }
    }
}

/// How many rows an area has room for, below the headings.
pub(super) fn rows_in(area: Rect) -> usize {
    area.height.saturating_sub(1).into()
}

/// Draws the headings and as many rows as there is room for.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    table: &Table<'_>,
    selected: Option<usize>,
    look: Look,
) {
    let widths = widths(table, area.width.into(), look);
    let mut lines = area.rows();
    let Some(top) = lines.next() else { return };
    let mut x = top.x;
    for (column, &width) in table.columns.iter().zip(&widths) {
        let Some(width) = width else { continue };
        let style = if column.key == Some(table.sort.key) {
            look.heading().add_modifier(Modifier::UNDERLINED)
        } else {
            look.heading()
        };
        x = put(
            buffer,
            top,
            x,
            &padded(column.align, width, column.title),
            style,
        );
    }
    for (at, (row, line)) in table.rows.iter().zip(lines).enumerate() {
        draw_row(buffer, line, &table.columns, row, &widths, look);
        if selected == Some(at) {
            buffer.set_style(line, Style::new().add_modifier(Modifier::REVERSED));
        }
    }
}

fn draw_row(
    buffer: &mut Buffer,
    line: Rect,
    columns: &[Column],
    row: &Row<'_>,
    widths: &[Option<usize>],
    look: Look,
) {
    let style = if row.quiet {
        Style::new().add_modifier(Modifier::DIM)
    } else {
        Style::new()
    };
    let mut x = line.x;
    for ((column, cell), &width) in columns.iter().zip(&row.cells).zip(widths) {
        let Some(width) = width else { continue };
        let text = match cell {
            Cell::Trend(values) => Cow::Owned(trend(values, width)),
            _ => written(cell, look.units),
        };
        x = put(buffer, line, x, &padded(column.align, width, &text), style);
    }
}

/// Writes into a line and returns where the next column begins.
fn put(buffer: &mut Buffer, line: Rect, x: u16, text: &str, style: Style) -> u16 {
    let room = line.right().saturating_sub(x);
    let (end, _) = buffer.set_stringn(x, line.y, text, room.into(), style);
    end.saturating_add(2)
}

fn widths(table: &Table<'_>, available: usize, look: Look) -> Vec<Option<usize>> {
    let widest = |column: usize| {
        let cells = table.rows.iter().filter_map(|row| row.cells.get(column));
        cells
            .map(|cell| width(&written(cell, look.units)))
            .max()
            .unwrap_or(0)
    };
    let natural: Vec<usize> = (0..table.columns.len()).map(widest).collect();
    table::fit(&table.columns, &natural, available)
}
