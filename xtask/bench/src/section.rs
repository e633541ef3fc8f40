//! A section of the report.

use std::fmt;

use super::table::Table;

/// A heading with tables and remarks below it.
#[derive(Debug)]
pub(super) struct Section {
    title: String,
    parts: Vec<String>,
}

impl Section {
    /// An empty section.
    pub(super) fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            parts: Vec::new(),
        }
    }

    /// Adds a table.
    pub(super) fn table(mut self, table: &Table) -> Self {
        self.parts.push(table.to_string());
        self
    }

    /// Adds a paragraph.
    pub(super) fn remark(mut self, text: &str) -> Self {
        self.parts.push(format!("{text}\n"));
        self
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### {}\n", self.title)?;
        self.parts.iter().try_for_each(|part| writeln!(f, "{part}"))
    }
}
