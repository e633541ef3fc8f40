//! `dns --watch` as text: a line for each query, a table for each tick.

use std::io::{self, Write};

use netperf_core::text::visible;
use netperf_core::units::{Units, format_micros, format_seconds};

use serde::Serialize;

use super::output::{Report, Style};
use super::text_table;
use crate::view::dns_watch::query_row::QueryRow;
use crate::view::dns_watch::{DnsWatchTick, table};
use crate::view::envelope::Start;

/// Rows of a text table; JSON has all.
const ROWS_MAX: usize = 20;

/// Text before the first query.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Waiting<'s>(pub &'s Start);

impl Report for Waiting<'_> {
    fn text(&self, _: Style, out: &mut Vec<u8>) -> io::Result<()> {
        let hooks = self.0.attachments().join(" ");
        writeln!(out, "waiting for queries to port 53; hooks: {hooks}")
    }
}

impl Report for QueryRow<'_> {
    fn text(&self, _: Style, out: &mut Vec<u8>) -> io::Result<()> {
        query(self, out)
    }
}

impl Report for DnsWatchTick {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        tick(self, style.width, out)
    }
}

/// The line of a query that has ended.
fn query(row: &QueryRow<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    let after = row
        .took_us
        .map_or(String::new(), |us| format!(" after {}", format_micros(us)));
    let cut = if row.truncated { ", cut off" } else { "" };
    let again = match row.retries {
        0 => String::new(),
        times => format!(", retry {times}"),
    };
    writeln!(
        out,
        "{}  {}[{}]  {} {} at {}/{}: {}{after}{cut}{again}",
        row.time,
        visible(row.name),
        row.pid,
        visible(row.query),
        visible(row.record_type),
        row.resolver,
        row.proto.name(),
        row.result,
    )
}

/// The table of one tick, at most `width` columns wide if there is a terminal.
fn tick(tick: &DnsWatchTick, width: Option<usize>, out: &mut Vec<u8>) -> io::Result<()> {
    let since_start = tick.loss;
    let missing = match (since_start.ring_lost, since_start.unread) {
        (0, 0) => "lost 0".to_owned(),
        (lost, unread) => format!("LOST {lost} packets, {unread} could not be read"),
    };
    let strays = match tick.unmatched {
        0 => String::new(),
        count => format!("  {count} answers without a question"),
    };
    let head = format!(
        "{}  tick {}  {missing}{strays}",
        tick.time.to_seconds(),
        format_seconds(tick.interval_s)
    );
    if tick.processes.is_empty() {
        return writeln!(out, "{head}  no query ended");
    }
    writeln!(out, "\n{head}")?;
    let look = (Units::Auto, width);
    text_table::below("", table::table(&tick.processes), ROWS_MAX, look, out)
}
