//! Tables on the screen: headings, rows, the selected row.

use std::borrow::Cow;

use netperf_core::text::width;
use netperf_core::units::Units;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::state::State;
use crate::render::cell::{trend, written};
use crate::render::text_table::padded;
use crate::view::table::{self, Cell, Row, Table};

/// How values and words look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) units: Units,
    pub(super) color: bool,
}

impl Look {
    /// The look that the user has chosen.
    pub(super) fn of(state: &State) -> Self {
        Self {
            units: state.units,
            color: state.color,
        }
    }

    /// The style of headings. Colour never adds information.
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

/// Draws the headings and as many rows as there is room for; nothing where there are no rows.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    table: &Table<'_>,
    selected: Option<usize>,
    look: Look,
) {
    if table.rows.is_empty() {
        return;
    }
    let grid = Grid {
        table,
        widths: widths(table, area.width.into(), look),
        look,
    };
    let mut lines = area.rows();
    if let Some(line) = lines.next() {
        grid.headings(buffer, line);
    }
    for (at, (row, line)) in table.rows.iter().zip(lines).enumerate() {
        grid.row(buffer, line, row);
        if selected == Some(at) {
            buffer.set_style(line, Modifier::REVERSED);
        }
    }
}

struct Grid<'t> {
    table: &'t Table<'t>,
    widths: Vec<Option<usize>>,
    look: Look,
}

impl Grid<'_> {
    fn headings(&self, buffer: &mut Buffer, line: Rect) {
        let mut x = line.x;
        for (column, &width) in self.table.columns.iter().zip(&self.widths) {
            let Some(width) = width else { continue };
            let mut style = self.look.heading();
            if column.key.is_some() && column.key == self.table.sort.map(|sort| sort.key) {
                style = style.add_modifier(Modifier::UNDERLINED);
            }
            x = put(buffer, line, x, &padded(column, width, column.title), style);
        }
    }

    fn row(&self, buffer: &mut Buffer, line: Rect, row: &Row<'_>) {
        let style = if row.quiet {
            Modifier::DIM
        } else {
            Modifier::empty()
        };
        let mut x = line.x;
        for ((column, cell), &width) in self.table.columns.iter().zip(&row.cells).zip(&self.widths)
        {
            let Some(width) = width else { continue };
            let text = if let Cell::Trend(values) = cell {
                Cow::Owned(trend(values, width))
            } else {
                written(cell, self.look.units)
            };
            x = put(buffer, line, x, &padded(column, width, &text), style.into());
        }
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
