//! Markdown tables whose cells also line up in a terminal.

use std::fmt;

use super::spread::Spread;

/// A target for a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Target {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// From the first to the second.
    Within(f64, f64),
}

impl Target {
    /// The target and whether `value` is within it.
    pub(super) fn verdict(self, value: f64) -> String {
        let (wanted, met) = match self {
            Self::AtLeast(limit) => (format!("≥ {limit}"), value >= limit),
            Self::AtMost(limit) => (format!("≤ {limit}"), value <= limit),
            Self::Within(least, most) => {
                (format!("{least}–{most}"), (least..=most).contains(&value))
            }
        };
        let word = if met { "met" } else { "**missed**" };
        format!("{wanted}: {word}")
    }
}

/// A cell without a figure.
pub(super) fn none() -> String {
    "-".to_owned()
}

/// A cell with a figure, and whether its median meets the target.
pub(super) fn cell(figure: Option<Spread>, digits: usize, target: Option<Target>) -> String {
    match (figure, target) {
        (None, _) => none(),
        (Some(figure), None) => reported(figure, digits),
        (Some(figure), Some(target)) => {
            let verdict = target.verdict(figure.median);
            format!("{}, {verdict}", reported(figure, digits))
        }
    }
}

fn reported(figure: Spread, digits: usize) -> String {
    if figure.median.is_infinite() {
        return "never".to_owned();
    }
    format!("{figure:.digits$}")
}

/// A table of text.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(super) fn new(headings: &[&str]) -> Self {
        Self {
            rows: vec![headings.iter().map(|&text| text.to_owned()).collect()],
        }
    }

    /// Adds a row, which has a cell for each heading.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        (0..columns).map(width).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (index, row) in self.rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")?;
            if index == 0 {
                for width in &widths {
                    write!(f, "| {:-<width$} ", "")?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_line_up() {
        let mut table = Table::new(&["what", "≥"]);
        table.row(["a".to_owned(), "long".to_owned()]);
        let lines = ["| what | ≥    |", "| ---- | ---- |", "| a    | long |", ""];
        assert_eq!(table.to_string(), lines.join("\n"));
    }

    #[test]
    fn what_does_not_happen_is_never() {
        let figure = Spread::of([60.0, f64::INFINITY, f64::INFINITY]);
        let text = cell(figure, 0, Some(Target::AtMost(200.0)));
        assert_eq!(text, "never, ≤ 200: **missed**");
    }

    #[test]
    fn a_target_includes_its_limit() {
        assert_eq!(Target::AtLeast(0.95).verdict(0.95), "≥ 0.95: met");
        assert_eq!(Target::AtMost(60.0).verdict(60.1), "≤ 60: **missed**");
        assert_eq!(
            Target::Within(0.97, 1.01).verdict(1.02),
            "0.97–1.01: **missed**"
        );
    }
}
