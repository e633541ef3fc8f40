//! How do the states of TCP reach the user? Findings first, then the tables they are made of, or JSON.

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use netperf_core::model::states::counts::STATES;
use netperf_core::units::{Growth, Units, format_seconds};

use super::json;
use super::looks::{finding, not_shown, sentence};
use super::text::LINE;
use super::text_table;
use crate::view::envelope::{End, Start};
use crate::view::states::{StatesTick, table};
use crate::view::table::Table;

/// Rows of a table for people; JSON has all.
const ROWS_MAX: usize = 20;

/// How states are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// NDJSON.
    Json,
    /// Findings and tables.
    Text(Text),
}

/// Findings and tables for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    units: Units,
    width: Option<usize>,
    /// Advice of the look before, which is not repeated.
    told: Vec<Vec<String>>,
}

impl Written {
    /// Writes what stands before the first look.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn start(&self, start: &Start, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(start, out),
            Self::Text(_) => not_shown(start, out),
        }
    }

    /// Writes one look.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn tick(&mut self, tick: &StatesTick<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(tick, out),
            Self::Text(text) => text.tick(tick, out),
        }
    }

    /// Writes what stands after the last look.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn end(&self, end: &End, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(end, out),
            Self::Text(_) => Ok(()),
        }
    }
}

impl Text {
    /// Lines of no more than `width` columns of the terminal, where there is one.
    pub fn new(units: Units, width: Option<usize>) -> Self {
        Self {
            units,
            width,
            told: Vec::new(),
        }
    }

    fn tick(&mut self, tick: &StatesTick<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        let width = self.width.unwrap_or(LINE);
        writeln!(out, "{}", summary(tick))?;
        sentence("", &states(tick), width, out)?;
        if let Some(lost) = lost(tick) {
            sentence("", &lost, width, out)?;
        }
        writeln!(out, "\nFINDINGS")?;
        for found in &tick.findings {
            finding(found, !self.told.contains(&found.advice), width, out)?;
        }
        let advice = tick.findings.iter().map(|found| found.advice.clone());
        self.told = advice.collect();
        let waiting = tick
            .listen
            .iter()
            .filter(|row| row.backlog > 0 || row.syn_recv > 0);
        let turned_away = tick.listen.iter().filter(|row| row.overflows > Some(0));
        let queues = waiting.chain(turned_away).count();
        self.table(
            "REFUSED: no port or no address",
            table::refused(&tick.refused),
            out,
        )?;
        self.table("PROCESSES", table::processes(&tick.by_process), out)?;
        self.table("REMOTE HOSTS", table::remotes(&tick.by_remote), out)?;
        self.table(
            "PORTS of outgoing connections",
            table::ports(&tick.time_wait),
            out,
        )?;
        self.table(
            "NOT CLOSED by the process",
            table::close_wait(&tick.close_wait),
            out,
        )?;
        if queues > 0 {
            self.table("QUEUES of clients", table::listen(&tick.listen), out)?;
        }
        writeln!(out)
    }

    /// A table with its heading; nothing if it has no rows.
    fn table(&self, heading: &str, table: Table<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        let look = (self.units, self.width);
        text_table::below(&format!("\n{heading}"), table, ROWS_MAX, look, out)
    }
}

fn summary(tick: &StatesTick<'_>) -> String {
    let (time, sockets) = (tick.time.to_seconds(), tick.counts.total());
    let namespaces = tick.namespaces;
    let interval = tick.interval_s.map_or(String::new(), |seconds| {
        format!("  tick {}", format_seconds(seconds))
    });
    format!("{time}{interval}  {sockets} TCP sockets in {namespaces} network namespace(s)")
}

/// Refused calls that are missing in the tables, if there are.
fn lost(tick: &StatesTick<'_>) -> Option<String> {
    let loss = tick.loss;
    let sum = loss.map_full + loss.unread;
    (sum > 0).then(|| format!("up to {sum} refused calls could not be counted since the start"))
}

/// Each state that occurs, with its change.
fn states(tick: &StatesTick<'_>) -> String {
    let growth = |name: &str| tick.growth_per_s.as_ref()?.get(name).copied();
    let word = |state: netperf_core::sample::TcpState| {
        let (name, count) = (state.name(), tick.counts.of(state));
        let change = growth(name);
        let text = change.map_or(String::new(), |change| format!(" ({}/s)", Growth(change)));
        (count > 0 || change.is_some()).then(|| format!("{name} {count}{text}"))
    };
    let words: Vec<_> = STATES.into_iter().filter_map(word).collect();
    words.join(", ")
}
