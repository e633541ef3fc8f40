//! How are losses put in tables?

use std::borrow::Cow;

use netperf_core::model::losses::Account;
use netperf_core::sample::losses::Kinds;

use super::row::{DropRow, LossyFlow, LossyProcess, LossyRemote, ResetRow};
use crate::view::flows_table::{endpoint, host, state_name};
use crate::view::sort::{Sort, SortKey};
use crate::view::table::{Cell, Column, Row, Table};

/// Connections.
pub fn flows<'m>(rows: &[LossyFlow<'m>], sort: Sort) -> Table<'m> {
    let mut columns = vec![
        Column::words("LOCAL", 21, 47, 5),
        Column::words("REMOTE", 21, 47, 0),
        Column::numbers("PID", 7, 2).sorted_by(SortKey::Pid),
        Column::words("PROCESS", 12, 18, 0).sorted_by(SortKey::Name),
        Column::words("STATE", 11, 11, 7),
    ];
    columns.extend(account_columns());
    columns.extend([Column::numbers("RTT", 8, 3), Column::numbers("CWND", 6, 4)]);
    table(columns, rows.iter().map(flow_line), sort)
}

/// Processes.
pub fn processes<'m>(rows: &[LossyProcess<'m>], sort: Sort) -> Table<'m> {
    let mut columns = vec![
        Column::numbers("PID", 7, 0).sorted_by(SortKey::Pid),
        Column::words("PROCESS", 15, 18, 0).sorted_by(SortKey::Name),
    ];
    columns.extend(account_columns());
    table(columns, rows.iter().map(process_line), sort)
}

/// Remote hosts.
pub fn remotes<'m>(rows: &[LossyRemote<'m>], sort: Sort) -> Table<'m> {
    let mut columns = vec![
        Column::words("REMOTE HOST", 15, 47, 0),
        Column::numbers("FLOWS", 6, 1),
        Column::words("PROCESSES", 14, 40, 2).sorted_by(SortKey::Name),
    ];
    columns.extend(account_columns());
    table(columns, rows.iter().map(remote_line), sort)
}

/// Resets.
pub fn resets<'m>(rows: &[ResetRow<'m>], sort: Sort) -> Table<'m> {
    let columns = vec![
        Column::words("RESET", 8, 8, 0),
        Column::words("LOCAL", 21, 47, 5),
        Column::words("REMOTE", 21, 47, 0),
        Column::numbers("PID", 7, 2),
        Column::words("PROCESS", 12, 18, 0),
        Column::words("STATE", 11, 11, 7),
        Column::numbers("COUNT", 7, 0),
    ];
    table(columns, rows.iter().map(reset_line), sort)
}

/// What the kernel threw away.
pub fn drops<'m>(rows: &[DropRow<'m>], sort: Sort) -> Table<'m> {
    let columns = vec![
        Column::numbers("DROPPED", 7, 0),
        Column::words("PROTO", 5, 5, 1),
        Column::numbers("PORT", 5, 1),
        Column::numbers("PID", 7, 2),
        Column::words("PROCESS", 12, 18, 0),
        Column::words("REASON", 18, 22, 4),
        Column::words("WHAT IT MEANS", 30, 100, 0),
    ];
    table(columns, rows.iter().map(drop_line), sort)
}

fn table<'m>(
    columns: Vec<Column>,
    lines: impl Iterator<Item = Vec<Cell<'m>>>,
    sort: Sort,
) -> Table<'m> {
    let row = |cells| Row {
        cells,
        quiet: false,
    };
    Table {
        columns,
        rows: lines.map(row).collect(),
        sort,
    }
}

fn account_columns() -> [Column; 4] {
    [
        Column::numbers("RETRANS", 7, 0).sorted_by(SortKey::Retrans),
        Column::numbers("OF SENT", 8, 6),
        Column::numbers("LOSS", 7, 0),
        Column::words("EVENTS", 12, 40, 1),
    ]
}

fn account_cells(account: &Account) -> [Cell<'static>; 4] {
    let share = match account.loss_percent() {
        Some(percent) => Cell::Text(Cow::Owned(format!("{percent:.2} %"))),
        None => Cell::Number(None),
    };
    [
        Cell::Number(Some(account.retrans)),
        Cell::Number(Some(account.sent)),
        share,
        Cell::Text(Cow::Owned(kinds(account.kinds))),
    ]
}

/// `3 rto, 1 tlp`.
fn kinds(kinds: Kinds) -> String {
    let named = [
        (kinds.rto, "rto"),
        (kinds.fast, "fast"),
        (kinds.tlp, "tlp"),
        (kinds.syn, "syn"),
        (kinds.synack, "synack"),
    ];
    let there = named.into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<_> = there
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    words.join(", ")
}

fn flow_line<'m>(row: &LossyFlow<'m>) -> Vec<Cell<'m>> {
    let flow = &row.flow;
    let mut cells = vec![
        Cell::Text(Cow::Owned(endpoint(flow.local, None))),
        Cell::Text(Cow::Owned(endpoint(
            flow.remote,
            flow.remote_host.as_deref(),
        ))),
        Cell::Number(Some(flow.pid.into())),
        Cell::Text(Cow::Borrowed(flow.name)),
        Cell::Text(Cow::Borrowed(state_name(flow.state))),
    ];
    cells.extend(account_cells(&row.account));
    cells.push(Cell::Micros(flow.srtt_us));
    cells.push(Cell::Number(row.cwnd.map(u64::from)));
    cells
}

fn process_line<'m>(row: &LossyProcess<'m>) -> Vec<Cell<'m>> {
    let mut cells = vec![
        Cell::Number(Some(row.process.pid.into())),
        Cell::Text(Cow::Borrowed(row.process.name)),
    ];
    cells.extend(account_cells(&row.account));
    cells
}

fn remote_line<'m>(row: &LossyRemote<'m>) -> Vec<Cell<'m>> {
    let names: Vec<&str> = row.names.iter().copied().collect();
    let mut cells = vec![
        Cell::Text(Cow::Owned(host(row.remote, row.remote_host.as_deref()))),
        Cell::Number(u64::try_from(row.flows).ok()),
        Cell::Text(Cow::Owned(names.join(", "))),
    ];
    cells.extend(account_cells(&row.account));
    cells
}

fn reset_line<'m>(row: &ResetRow<'m>) -> Vec<Cell<'m>> {
    let direction = if row.is_received() {
        "received"
    } else {
        "sent"
    };
    vec![
        Cell::Text(Cow::Borrowed(direction)),
        Cell::Text(Cow::Owned(endpoint(row.local, None))),
        Cell::Text(Cow::Owned(endpoint(row.remote, None))),
        Cell::Number(Some(row.pid.into())),
        Cell::Text(Cow::Borrowed(row.name)),
        Cell::Text(Cow::Borrowed(state_name(row.state))),
        Cell::Number(Some(row.count)),
    ]
}

fn drop_line<'m>(row: &DropRow<'m>) -> Vec<Cell<'m>> {
    vec![
        Cell::Number(Some(row.packets)),
        Cell::Text(Cow::Borrowed(row.proto.map_or("-", |proto| proto.name()))),
        Cell::Number(row.local_port.map(u64::from)),
        Cell::Number(row.pid.map(u64::from)),
        Cell::Text(Cow::Borrowed(row.name.unwrap_or("-"))),
        Cell::Text(Cow::Borrowed(row.reason.name())),
        Cell::Text(Cow::Borrowed(row.what)),
    ]
}
