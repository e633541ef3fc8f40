//! A screen at one moment: rows of text, and how each part of it looks.

use vt100::{Cell, Color, Screen};

/// The rows of a screen, without the empty ones at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Width of the screen.
    pub columns: u16,
    /// Each row as parts of one look.
    pub rows: Vec<Vec<Run>>,
}

/// Neighbouring cells of one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its first column.
    pub column: u16,
    /// Number of columns.
    pub width: u16,
    /// The text, with its spaces.
    pub text: String,
    /// How it looks.
    pub look: Look,
}

/// How text looks.
#[expect(
    clippy::struct_excessive_bools,
    reason = "attributes of a terminal, each with or without the others"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Colour of the letters.
    pub foreground: Color,
    /// Colour behind them.
    pub background: Color,
    /// Whether the two are exchanged.
    pub inverse: bool,
    /// Whether letters are thick.
    pub bold: bool,
    /// Whether letters are faint.
    pub dim: bool,
    /// Whether letters are underlined.
    pub underline: bool,
}

impl Frame {
    /// What `screen` shows.
    pub fn of(screen: &Screen) -> Self {
        let (rows, columns) = screen.size();
        let (rows, columns) = (u16::from(rows), u16::from(columns));
        let mut rows: Vec<Vec<Run>> = (0..rows).map(|row| runs(screen, row, columns)).collect();
        let used = rows.iter().rposition(|row| !row.is_empty());
        rows.truncate(used.map_or(0, |last| last + 1));
        Self { columns, rows }
    }

    /// The text of each row.
    pub fn lines(&self) -> Vec<String> {
        let line = |row: &Vec<Run>| row.iter().map(|run| run.text.as_str()).collect();
        self.rows.iter().map(line).collect()
    }
}

fn runs(screen: &Screen, row: u16, columns: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let cells = (0..columns).filter_map(|column| Some((column, screen.cell(row, column)?)));
    for (column, cell) in cells.filter(|(_, cell)| !cell.is_wide_continuation()) {
        let text = if cell.has_contents() {
            cell.contents()
        } else {
            " "
        };
        let width = 1 + u16::from(cell.is_wide());
        let look = Look::of(cell);
        match runs.last_mut().filter(|run| run.look == look) {
            Some(run) => {
                run.text.push_str(text);
                run.width += width;
            }
            None => runs.push(Run {
                column,
                width,
                text: text.to_owned(),
                look,
            }),
        }
    }
    let is_blank = |run: &Run| run.look == Look::default() && run.text.trim().is_empty();
    while runs.last().is_some_and(is_blank) {
        runs.pop();
    }
    runs
}

impl Look {
    fn of(cell: &Cell) -> Self {
        Self {
            foreground: cell.fgcolor(),
            background: cell.bgcolor(),
            inverse: cell.inverse(),
            bold: cell.bold(),
            dim: cell.dim(),
            underline: cell.underline(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_split_where_its_look_changes() {
        let mut parser = vt100::Parser::new(3.try_into().unwrap(), 20.try_into().unwrap(), 0);
        parser.process(b"a \x1b[31mred\x1b[0m  b\r\n\r\n");
        let frame = Frame::of(parser.screen());
        assert_eq!(frame.lines(), ["a red  b            "]);
        let parts: Vec<_> = frame.rows[0]
            .iter()
            .map(|run| (run.column, run.width))
            .collect();
        assert_eq!(parts, [(0, 2), (2, 3), (5, 15)]);
        assert_eq!(frame.rows[0][1].look.foreground, Color::Idx(1));
    }
}
