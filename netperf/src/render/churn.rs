//! `states --watch` as text: a line for each transition, a block for each tick.

use std::io::{self, Write};

use netperf_core::model::states::counts::STATES;
use netperf_core::text::visible;
use netperf_core::units::{PerSecond, Units, format_micros};

use super::output::{Report, Style};
use super::prose::{degraded, interval};
use super::text_table;
use crate::view::churn::transition_row::TransitionRow;
use crate::view::churn::{ChurnTick, table};

/// Rows of a text table; JSON has all.
const ROWS_MAX: usize = 10;

impl Report for ChurnTick<'_> {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        tick(self, style.units, out)
    }
}

/// The line of one transition.
pub(super) fn event(row: &TransitionRow<'_>) -> String {
    let after = row
        .in_old_us
        .map_or(String::new(), |us| format!("  after {}", format_micros(us)));
    format!(
        "{}  {} -> {}  {}[{}]  {} -> {}{after}",
        row.time,
        row.local,
        row.remote,
        visible(row.name),
        row.pid,
        row.old.name(),
        row.new.name(),
    )
}

/// The block of one tick.
fn tick(tick: &ChurnTick<'_>, units: Units, out: &mut Vec<u8>) -> io::Result<()> {
    let rate = |state: netperf_core::sample::TcpState| {
        let per_s = tick.per_s.as_ref()?.get(state.name())?;
        Some(format!("{} {}", state.name(), PerSecond(*per_s)))
    };
    let rates: Vec<_> = STATES.into_iter().filter_map(rate).collect();
    let estimate = match tick.sample.get() {
        1 => String::new(),
        sample => format!("  (from 1 connection in {sample})"),
    };
    writeln!(
        out,
        "\n{}  tick {}  into each state per second: {}{estimate}  {}",
        tick.when.time.to_seconds(),
        interval(tick.when),
        if rates.is_empty() {
            "none".to_owned()
        } else {
            rates.join(", ")
        },
        tick.health.loss_text(),
    )?;
    degraded(&tick.health, out)?;
    let tables = [
        table::processes(&tick.by_process),
        table::outgoing(&tick.time_wait),
        table::accepted(&tick.time_wait_accepted),
    ];
    for table in tables {
        text_table::below("", table, ROWS_MAX, (units, None), out)?;
    }
    writeln!(out)
}
