//! How does a path reach the user? As hops, figures and findings in lines, or as JSON.

mod lines;

use std::io::{self, Write};

pub(super) use self::lines::{destination, heading};
use netperf_core::text::visible;
use netperf_core::units::Units;

use super::json;
use super::prose::{finding, not_shown};
use super::text::LINE;
use super::text_table;
use crate::view::envelope::{End, Start};
use crate::view::path::{PathTick, table};

/// How paths are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// NDJSON.
    Json,
    /// Lines of so many columns, where that is known.
    Text(Option<usize>),
}

impl Written {
    /// Writes what stands before the first cycle.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn start(self, start: &Start, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(start, out),
            Self::Text(_) => not_shown(start, out),
        }
    }

    /// Writes a path as it is now.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn tick(self, tick: &PathTick<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(tick, out),
            Self::Text(width) => text(tick, width.unwrap_or(LINE), out),
        }
    }

    /// Writes what stands after the last cycle.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn end(self, end: &End, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(end, out),
            Self::Text(_) => Ok(()),
        }
    }
}

/// How far a report is, for the line that is drawn again and again.
pub fn progress(cycle: u64, cycles: u64) -> String {
    format!("\r\x1b[Kcycle {cycle} of {cycles}")
}

/// Clears that line.
pub const PROGRESS_END: &str = "\r\x1b[K";

fn text(tick: &PathTick<'_>, width: usize, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(out, "{}\n", visible(&heading(tick)))?;
    if !tick.hops.is_empty() {
        for line in text_table::lines(&table::hops(&tick.hops), Units::Auto, width) {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
    }
    for line in destination(tick) {
        writeln!(out, "{}", visible(&line))?;
    }
    writeln!(out, "\nFINDINGS")?;
    for found in &tick.findings {
        finding(found, true, width, out)?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests;
