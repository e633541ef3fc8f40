//! How are processes put in a table?

use std::borrow::Cow;
use std::time::Duration;

use netperf_core::clock::MonoNs;
use netperf_core::model::process::ProcessTraffic;
use netperf_core::model::traffic::Traffic;

use super::flow_row::FlowRow;
use super::flows_table::{described, state_name};
use super::owner_cells;
use super::process_row::ProcessRow;
use super::sort::{Figures, Sort, SortKey};
use super::table::{Cell, Column, Row, Table};

/// How many stretches of a second a trend shows.
const TREND_SECONDS: usize = 60;

/// What people want to see of the processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopLook {
    /// The order the rows are in, and the figures that stand in front.
    pub sort: Sort,
    /// The command line has precedence over other details.
    pub command_line: bool,
    /// The last minute up to this moment, as a small picture.
    pub trend_until: Option<MonoNs>,
}

/// The rows as a table, connections below their process.
pub fn table<'r, 'm: 'r>(
    rows: impl IntoIterator<Item = &'r ProcessRow<'m>>,
    look: TopLook,
) -> Table<'m> {
    let mut lines = Vec::new();
    for row in rows {
        lines.push(process_line(row, look));
        let connections = row.connections.iter().flatten();
        lines.extend(connections.map(|flow| connection_line(flow, look)));
    }
    Table {
        columns: columns(look),
        rows: lines,
        sort: look.sort,
    }
}

fn columns(look: TopLook) -> Vec<Column> {
    let figures = look.sort.figures;
    let (rates, totals) = match figures {
        Figures::Rates => (0, 4),
        Figures::Totals => (4, 0),
    };
    let command = if look.command_line { 1 } else { 6 };
    let mut columns = vec![
        Column::numbers("PID", 7, 0).sorted_by(SortKey::Pid),
        Column::words("USER", 8, 12, 3),
        Column::words("PROCESS", 15, 18, 0).sorted_by(SortKey::Name),
    ];
    let rates = [
        Column::numbers("SENT/s", 10, rates).sorted_if(figures == Figures::Rates, SortKey::Tx),
        Column::numbers("RECEIVED/s", 10, rates).sorted_if(figures == Figures::Rates, SortKey::Rx),
    ];
    let totals = [
        Column::numbers("SENT", 9, totals).sorted_if(figures == Figures::Totals, SortKey::Tx),
        Column::numbers("RECEIVED", 9, totals).sorted_if(figures == Figures::Totals, SortKey::Rx),
    ];
    columns.extend(rates);
    columns.extend(totals);
    columns.push(Column::numbers("RETRANS", 7, 7).sorted_by(SortKey::Retrans));
    if look.trend_until.is_some() {
        columns.push(Column::words("LAST MINUTE", 12, 30, 2));
    }
    columns.push(Column::words("UNIT/CONTAINER", 14, 32, 5));
    columns.push(Column::words("COMMAND", 16, 400, command));
    columns
}

fn process_line<'m>(row: &ProcessRow<'m>, look: TopLook) -> Row<'m> {
    let mut cells = vec![
        Cell::Number(Some(row.pid.into())),
        owner_cells::user(row.user, row.uid),
        Cell::Text(Cow::Borrowed(row.name)),
        Cell::Speed(row.tx_bytes_per_s),
        Cell::Speed(row.rx_bytes_per_s),
        Cell::Bytes(Some(row.tx_total)),
        Cell::Bytes(Some(row.rx_total)),
        Cell::Number(row.retrans),
    ];
    cells.extend(look.trend_until.map(|now| trend(row.traffic, now)));
    cells.push(owner_cells::home(row.container, row.unit, row.cgroup));
    cells.push(command(row));
    Row {
        cells,
        quiet: row.traffic.moved.is_some_and(Traffic::is_zero),
    }
}

fn connection_line<'m>(flow: &FlowRow<'m>, look: TopLook) -> Row<'m> {
    let mut cells = vec![
        Cell::Blank,
        Cell::Blank,
        Cell::Text(Cow::Owned(format!(
            "  {} {}",
            flow.proto.name(),
            state_name(flow.state)
        ))),
        Cell::Speed(flow.speeds.tx_bytes_per_s),
        Cell::Speed(flow.speeds.rx_bytes_per_s),
        Cell::Bytes(Some(flow.tx_total)),
        Cell::Bytes(Some(flow.rx_total)),
        Cell::Number(flow.retrans.map(u64::from)),
    ];
    cells.extend(look.trend_until.map(|_| Cell::Blank));
    cells.push(Cell::Blank);
    cells.push(Cell::Text(Cow::Owned(described(flow))));
    Row {
        cells,
        quiet: flow.tx_bytes == Some(0) && flow.rx_bytes == Some(0),
    }
}

fn command<'m>(row: &ProcessRow<'m>) -> Cell<'m> {
    match (row.cmdline, row.exe) {
        (Some(arguments), _) if !arguments.is_empty() => {
            Cell::Text(Cow::Owned(arguments.join(" ")))
        }
        (_, Some(exe)) => Cell::Text(Cow::Borrowed(exe)),
        _ => Cell::Blank,
    }
}

fn trend(traffic: &ProcessTraffic, now: MonoNs) -> Cell<'static> {
    Cell::Trend(
        traffic
            .history
            .columns(now, TREND_SECONDS, Duration::from_secs(1)),
    )
}
