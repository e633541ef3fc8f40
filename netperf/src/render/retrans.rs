//! `retrans` as text: a block of tables a tick, or a line an event.

use std::io::{self, Write};

use netperf_core::text::visible;
use netperf_core::units::{Percent, Units, format_micros};

use super::text::{LINE, degraded, interval};
use super::text_table;
use crate::view::retrans::event::RetransmitRow;
use crate::view::retrans::{RetransOptions, RetransTick, table};
use crate::view::table::Table;

/// One tick, on the host that is called so.
pub(super) fn tick(
    tick: &RetransTick<'_>,
    options: &RetransOptions,
    (on_host, units): (&str, Units),
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
        visible(on_host),
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
        (!tick.flows.is_empty()).then(|| table::flows(&tick.flows, options.sort)),
        (!tick.processes.is_empty()).then(|| table::processes(&tick.processes, options.sort)),
        (!tick.remotes.is_empty()).then(|| table::remotes(&tick.remotes, options.sort)),
        (!tick.resets.is_empty()).then(|| table::resets(&tick.resets)),
        (!tick.drops.is_empty()).then(|| table::drops(&tick.drops)),
    ];
    if tables.iter().all(Option::is_none) {
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

/// One retransmission.
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
