//! `states` as text or JSON: findings first, then the tables they are based on.

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use netperf_core::model::states::counts::STATES;
use netperf_core::units::{Growth, format_seconds};
use serde::Serialize;

use super::output::{Report, Style};
use super::prose::{LINE, finding, no_match, sentence};
use super::text_table;
use crate::view::states::{ListenRow, StatesTick, table};
use crate::view::table::Table;

/// Rows of a text table; JSON has all.
const ROWS_MAX: usize = 20;

/// A snapshot of the states, to be written.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(transparent)]
pub struct States<'t> {
    /// The snapshot.
    pub tick: &'t StatesTick<'t>,
    /// Advice of the previous report, which is not repeated.
    #[serde(skip)]
    pub known_advice: &'t [Vec<String>],
}

impl Report for States<'_> {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        let tick = self.tick;
        let width = style.width.unwrap_or(LINE);
        writeln!(out, "{}", summary(tick))?;
        sentence("", &states(tick), width, out)?;
        if let Some(all) = tick.without_filter {
            no_match("TCP socket", all, style.units, out)?;
        }
        if let Some(lost) = lost(tick) {
            sentence("", &lost, width, out)?;
        }
        writeln!(out, "\nFINDINGS")?;
        for found in &tick.findings {
            finding(
                found,
                !self.known_advice.contains(&found.advice),
                width,
                out,
            )?;
        }
        let figures = &tick.figures;
        for (heading, table) in [
            (
                "REFUSED: no port or no address",
                table::refused(&figures.refused),
            ),
            ("PROCESSES", table::processes(&figures.by_process)),
            ("REMOTE HOSTS", table::remotes(&figures.by_remote)),
            (
                "PORTS of outgoing connections",
                table::ports(&figures.time_wait),
            ),
            (
                "NOT CLOSED by the process",
                table::close_wait(&figures.close_wait),
            ),
        ] {
            below(heading, table, style, out)?;
        }
        let is_waited_for =
            |row: &ListenRow<'_>| row.backlog > 0 || row.syn_recv > 0 || row.overflows > Some(0);
        if figures.listen.iter().any(is_waited_for) {
            below(
                "QUEUES of clients",
                table::listen(&figures.listen),
                style,
                out,
            )?;
        }
        writeln!(out)
    }
}

/// A table below its heading; nothing if it has no rows.
fn below(heading: &str, table: Table<'_>, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
    let look = (style.units, style.width);
    text_table::below(&format!("\n{heading}"), table, ROWS_MAX, look, out)
}

fn summary(tick: &StatesTick<'_>) -> String {
    let (time, sockets) = (tick.time.to_seconds(), tick.figures.counts.total());
    let namespaces = tick.namespaces;
    let interval = tick.figures.interval_s.map_or(String::new(), |seconds| {
        format!("  tick {}", format_seconds(seconds))
    });
    format!("{time}{interval}  {sockets} TCP sockets in {namespaces} network namespace(s)")
}

/// How many failed calls are missing from the tables, if any.
fn lost(tick: &StatesTick<'_>) -> Option<String> {
    let loss = tick.loss;
    let sum = loss.map_full + loss.unread;
    (sum > 0).then(|| format!("up to {sum} refused calls could not be counted since the start"))
}

/// Sockets by state, with their change.
fn states(tick: &StatesTick<'_>) -> String {
    let growth = |name: &str| tick.figures.growth_per_s.as_ref()?.get(name).copied();
    let word = |state: netperf_core::sample::TcpState| {
        let (name, count) = (state.name(), tick.figures.counts.of(state));
        let change = growth(name);
        let text = change.map_or(String::new(), |change| format!(" ({}/s)", Growth(change)));
        (count > 0 || change.is_some()).then(|| format!("{name} {count}{text}"))
    };
    let words: Vec<_> = STATES.into_iter().filter_map(word).collect();
    words.join(", ")
}
