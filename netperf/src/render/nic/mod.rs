//! How do the interfaces reach the user? Tables with findings, on a terminal again and again in the
//! same place, or JSON.

mod frame;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use netperf_core::units::{Units, format_seconds};

use super::json;
use super::looks::{SENTENCE, finding, judged, not_shown, sentence};
use super::text::LINE;
use super::text_table;
use crate::view::envelope::{End, Start};
use crate::view::nic::{NicTick, table};
use crate::view::table::Table;
use netperf_core::units::counted;

/// Rows of a table for people; JSON has all.
const ROWS_MAX: usize = 40;

/// How interfaces are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// NDJSON.
    Json,
    /// Tables, one block a tick.
    Text(Look),
    /// The same on a terminal, each block in the place of the one before.
    Live(Look),
}

/// How tables look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// How speeds are shown.
    pub units: Units,
    /// Columns of the terminal, where there is one.
    pub width: Option<usize>,
}

impl Written {
    /// Writes what stands before the first tick.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn start(&self, start: &Start, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(start, out),
            Self::Text(_) => not_shown(start, out),
            Self::Live(_) => Ok(()),
        }
    }

    /// Writes one tick. A terminal has so many `lines`.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn tick(
        &self,
        tick: &NicTick<'_>,
        lines: Option<usize>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        match self {
            Self::Json => json::line(tick, out),
            Self::Text(look) => look.tick(tick, out),
            Self::Live(look) => {
                let mut text = Vec::new();
                look.tick(tick, &mut text)?;
                frame::write(&text, lines, out);
                Ok(())
            }
        }
    }

    /// Writes what stands after the last tick.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn end(&self, end: &End, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(end, out),
            Self::Text(_) | Self::Live(_) => Ok(()),
        }
    }
}

impl Look {
    fn tick(self, tick: &NicTick<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        let width = self.width.unwrap_or(LINE);
        writeln!(out, "{}", summary(tick))?;
        self.table("", table::interfaces(&tick.interfaces), out)?;
        writeln!(out, "\nFINDINGS")?;
        for found in &tick.findings {
            finding(found, true, width, out)?;
        }
        for exceeded in &tick.exceeded {
            judged("too much", exceeded, width.min(SENTENCE), out)?;
        }
        if let Some(why) = tick.users_unknown {
            let text = format!("not shown: which processes use the interfaces: {why}");
            sentence("", &text, width.min(SENTENCE), out)?;
        }
        self.table(
            "\nCOUNTERS that are not zero",
            table::counters(&tick.interfaces),
            out,
        )?;
        for one in &tick.meanings {
            let text = format!("{}. First: {}", one.meaning, one.first_step);
            sentence(
                &format!("{:18}", one.counter),
                &text,
                width.min(SENTENCE),
                out,
            )?;
        }
        self.table(
            "\nQUEUES of what is to be sent",
            table::queues(&tick.interfaces),
            out,
        )?;
        self.table(
            "\nDRIVERS' own counters",
            table::drivers(&tick.interfaces),
            out,
        )?;
        self.table("\nHARDWARE", table::hardware(&tick.interfaces), out)?;
        self.table(
            "\nPROCESSORS and what they take",
            table::processors(&tick.softnet),
            out,
        )?;
        writeln!(out)
    }

    /// A table below its heading; nothing if it has no rows.
    fn table(self, heading: &str, table: Table<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        text_table::below(heading, table, ROWS_MAX, (self.units, self.width), out)
    }
}

fn summary(tick: &NicTick<'_>) -> String {
    let count = |number: usize, one, many| counted(number as u64, one, many);
    let interfaces = count(tick.interfaces.len(), "interface", "interfaces");
    let namespaces = count(tick.namespaces, "network namespace", "network namespaces");
    let time = tick.time.to_seconds();
    let interval = tick.interval_s.map_or(String::new(), |seconds| {
        format!("  tick {}", format_seconds(seconds))
    });
    format!("{time}{interval}  {interfaces} in {namespaces}")
}
