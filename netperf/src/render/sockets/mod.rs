//! `sockets` as text or JSON: a table, with details below each row.

mod details;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use netperf_core::text::visible;
use netperf_core::units::{Units, counted};
use netperf_diagnose::sockets::is_ageless;
use serde::Serialize;

use super::output::{Report, Style};
use super::prose::{LINE, indented, no_match, sentence};
use super::text_table;
use crate::view::sockets::{SocketsTick, Summary, counts, table};

/// A snapshot of the sockets, to be listed.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(transparent)]
pub struct Listing<'t> {
    /// The snapshot.
    pub tick: &'t SocketsTick<'t>,
    /// What to show in text.
    #[serde(skip)]
    pub show: Show,
    /// Whether there are several listings; each then shows its time.
    #[serde(skip)]
    pub repeated: bool,
}

/// What to show of sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// Counts by protocol.
    Summary,
    /// A row for each socket.
    Rows {
        /// Show the TCP figures of each connection.
        info: bool,
        /// Explain long queues.
        explain: bool,
    },
}

/// Result of closing sockets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "kill")]
pub struct Closed {
    /// Sockets that were closed.
    pub closed: usize,
    /// Sockets that had ended by themselves.
    pub gone: usize,
    /// Sockets that could not be closed, and why.
    pub failed: Vec<String>,
}

impl Report for Closed {
    fn text(&self, _: Style, out: &mut Vec<u8>) -> io::Result<()> {
        writeln!(out, "closed {}", self.closed)?;
        if self.gone > 0 {
            writeln!(out, "gone before they could be closed: {}", self.gone)?;
        }
        for failure in &self.failed {
            writeln!(out, "not closed: {}", visible(failure))?;
        }
        Ok(())
    }
}

impl Report for Listing<'_> {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        let tick = self.tick;
        if self.repeated {
            let (time, total) = (tick.time.to_seconds(), tick.summary.total);
            writeln!(out, "{time}  {total} sockets")?;
        }
        match self.show {
            Show::Summary => summary(&tick.summary, out)?,
            Show::Rows { .. } if tick.sockets.is_empty() => no_socket(tick, style, out)?,
            Show::Rows { info, explain } => rows(tick, (info, explain), style, out)?,
        }
        if self.repeated {
            writeln!(out)?;
        }
        Ok(())
    }
}

fn no_socket(tick: &SocketsTick<'_>, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
    match tick.without_filter {
        Some(all) => no_match("socket", all, style.units, out),
        None => writeln!(out, "no socket matches"),
    }
}

fn rows(
    tick: &SocketsTick<'_>,
    (info, explain): (bool, bool),
    style: Style,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let width = style.width.unwrap_or(LINE);
    let lines = text_table::lines(&table(&tick.sockets), style.units, width);
    let (title, lines) = lines.split_first().ok_or(io::ErrorKind::InvalidData)?;
    writeln!(out, "{title}")?;
    for (line, row) in lines.iter().zip(&tick.sockets) {
        writeln!(out, "{line}")?;
        if info {
            indented("      ", &details::words(row, style.units), width, out)?;
        }
        if let Some(explanation) = &row.explanation {
            sentence("   -> ", explanation, width, out)?;
        }
    }
    if explain && tick.sockets.iter().all(|row| row.explanation.is_none()) {
        sentence("", &all_clear(tick), width, out)?;
    }
    Ok(())
}

/// What was looked at without finding anything, and what could not be.
fn all_clear(tick: &SocketsTick<'_>) -> String {
    let shown = counted(tick.sockets.len() as u64, "socket", "sockets");
    let clear = format!(
        "no queue is long or old at this moment, of the {shown} shown: nobody waits to be accepted, and \
         nothing has been unread or unacknowledged for a second, or was dropped"
    );
    let ageless = tick.sockets.iter().filter(|row| is_ageless(row.socket));
    match ageless.count() {
        0 => clear,
        few => format!(
            "{clear}. Of {} in which something waits, the kernel does not tell for how long",
            counted(few as u64, "socket", "sockets")
        ),
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
