//! How do sockets reach the user? As a table with what is known below each row, or as JSON.

mod details;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use netperf_core::text::visible;
use netperf_core::units::Units;

use super::json;
use super::looks::{self, indented, sentence};
use super::text::LINE;
use super::text_table;
use crate::view::envelope::{End, Start};
use crate::view::sockets::{SocketsTick, Summary, counts, table};

/// How sockets are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// NDJSON.
    Json,
    /// Tables.
    Text(TextLook),
}

/// How tables of sockets look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextLook {
    /// Of sizes and rates.
    pub units: Units,
    /// Columns of the terminal; `None` where there is none.
    pub width: Option<usize>,
    /// What of the sockets.
    pub show: Show,
    /// More than one look: each says when it was.
    pub repeated: bool,
}

/// What is shown of sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// How many there are.
    Summary,
    /// A row for each.
    Rows {
        /// What is known of each connection, below it.
        info: bool,
        /// Long queues were to be explained.
        explain: bool,
    },
}

impl Written {
    /// Writes what stands before the first look.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn start(self, start: &Start, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(start, out),
            Self::Text(_) => looks::not_shown(start, out),
        }
    }

    /// Writes one look.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn tick(self, tick: &SocketsTick<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(tick, out),
            Self::Text(look) => look.tick(tick, out),
        }
    }

    /// Writes what stands after the last look.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn end(self, end: &End, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(end, out),
            Self::Text(_) => Ok(()),
        }
    }

    /// Writes how many sockets were closed, and which were not.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn closed(self, closed: &Closed, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(closed, out),
            Self::Text(_) => {
                writeln!(out, "closed {}", closed.closed)?;
                if closed.gone > 0 {
                    writeln!(out, "gone before they could be closed: {}", closed.gone)?;
                }
                for failure in &closed.failed {
                    writeln!(out, "not closed: {}", visible(failure))?;
                }
                Ok(())
            }
        }
    }
}

/// What came of closing sockets.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "kill")]
pub struct Closed {
    /// How many were closed.
    pub closed: usize,
    /// How many had ended by themselves.
    pub gone: usize,
    /// Which could not be closed, and why.
    pub failed: Vec<String>,
}

impl TextLook {
    fn tick(self, tick: &SocketsTick<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        if self.repeated {
            writeln!(
                out,
                "{}  {} sockets",
                tick.time.to_seconds(),
                tick.summary.total
            )?;
        }
        match self.show {
            Show::Summary => summary(&tick.summary, out)?,
            Show::Rows { .. } if tick.sockets.is_empty() => writeln!(out, "no socket matches")?,
            Show::Rows { info, explain } => self.rows(tick, info, explain, out)?,
        }
        if self.repeated {
            writeln!(out)?;
        }
        Ok(())
    }

    fn rows(
        self,
        tick: &SocketsTick<'_>,
        info: bool,
        explain: bool,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let width = self.width.unwrap_or(LINE);
        let lines = text_table::lines(&table(&tick.sockets), self.units, width);
        let (title, lines) = lines.split_first().ok_or(io::ErrorKind::InvalidData)?;
        writeln!(out, "{title}")?;
        for (line, row) in lines.iter().zip(&tick.sockets) {
            writeln!(out, "{line}")?;
            if info {
                indented("      ", &details::words(row, self.units), width, out)?;
            }
            if let Some(explanation) = &row.explanation {
                sentence("   -> ", explanation, width, out)?;
            }
        }
        if explain && tick.sockets.iter().all(|row| row.explanation.is_none()) {
            writeln!(
                out,
                "no queue is long: none of these programs lags behind its network"
            )?;
        }
        Ok(())
    }
}

/// What `ss -s` tells, over all network namespaces that could be seen.
fn summary(summary: &Summary, out: &mut Vec<u8>) -> io::Result<()> {
    let (total, namespaces) = (summary.total, summary.namespaces);
    writeln!(out, "Total: {total} in {namespaces} network namespace(s)")?;
    let states: Vec<_> = summary
        .tcp
        .states
        .iter()
        .map(|(state, count)| format!("{state} {count}"))
        .chain([format!("orphaned {}", summary.orphaned)])
        .collect();
    let states = states.join(", ");
    writeln!(out, "TCP:   {} ({states})\n", summary.tcp.total)?;
    for line in text_table::lines(&counts(summary), Units::Auto, LINE) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
