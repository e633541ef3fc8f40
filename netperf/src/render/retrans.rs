//! `retrans` as text: tables for each tick, or a line for each event.

use std::io::{self, Write};

use netperf_core::sample::Loss;
use netperf_core::text::visible;
use netperf_core::units::{Percent, Units, format_micros};

use serde::Serialize;

use super::output::{Report, Style};
use super::prose::{LINE, degraded, interval, no_match};
use super::text_table;
use crate::view::retrans::event::RetransmitRow;
use crate::view::retrans::{RetransTick, table};
use crate::view::sort::Sort;
use crate::view::table::Table;

/// One tick on a host.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Losses<'t> {
    /// The tick to write.
    pub tick: &'t RetransTick<'t>,
    /// The order of its rows.
    #[serde(skip)]
    pub sort: Sort,
    /// Name of the host. Untrusted text.
    #[serde(skip)]
    pub host: &'t str,
    /// With `--watch`: the loss as reported before. A tick is written only if more events were lost
    /// since.
    #[serde(skip)]
    pub watched_with: Option<Loss>,
}

impl Report for Losses<'_> {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        let health = &self.tick.health;
        match self.watched_with {
            Some(known) if health.loss == known => Ok(()),
            Some(_) => writeln!(out, "{}", health.loss_text()),
            None => tick(self, style.units, out),
        }
    }
}

fn tick(
    &Losses {
        tick, sort, host, ..
    }: &Losses<'_>,
    units: Units,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let total = tick.total;
    let share = total
        .account
        .loss_percent()
        .map_or(String::new(), |share| format!(" ({})", Percent(share)));
    writeln!(
        out,
        "{}  {}  tick {}  retransmitted {} of {}{share}  resets sent {}  received {}  dropped {}  {}",
        tick.when.time.to_seconds(),
        visible(host),
        interval(tick.when),
        total.retrans,
        total.account.sent,
        total.resets_sent,
        total.resets_received,
        total.dropped,
        tick.health.loss_text(),
    )?;
    degraded(&tick.health, out)?;
    let tables = [
        (!tick.flows.is_empty()).then(|| table::flows(&tick.flows, sort)),
        (!tick.processes.is_empty()).then(|| table::processes(&tick.processes, sort)),
        (!tick.remotes.is_empty()).then(|| table::remotes(&tick.remotes, sort)),
        (!tick.resets.is_empty()).then(|| table::resets(&tick.resets)),
        (!tick.drops.is_empty()).then(|| table::drops(&tick.drops)),
    ];
    if let Some(all) = tick.without_filter {
        no_match("loss, reset or drop in this tick", all, units, out)?;
    } else if tables.iter().all(Option::is_none) {
        writeln!(
            out,
            "nothing was sent again, reset or thrown away in this tick"
        )?;
    }
    for table in tables.iter().flatten() {
        lines(table, units, out)?;
    }
    writeln!(out)
}

fn lines(table: &Table<'_>, units: Units, out: &mut Vec<u8>) -> io::Result<()> {
    for line in text_table::lines(table, units, LINE) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The line of one retransmission.
pub(super) fn event(row: &RetransmitRow<'_>) -> String {
    format!(
        "{}  {:6}  {}[{}]  {} -> {}  {}  rtt {}  cwnd {}",
        row.time,
        row.kind.name(),
        visible(row.name),
        row.pid,
        row.local,
        row.remote,
        row.state.map_or("-", |state| state.name()),
        row.srtt_us.map_or("-".to_owned(), format_micros),
        row.cwnd,
    )
}
