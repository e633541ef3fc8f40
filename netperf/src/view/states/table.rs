//! How are the rows of `states` put in tables?

use std::borrow::Cow;

use netperf_core::model::states::counts::{STATES, StateCounts};
use netperf_core::sample::TcpState;
use netperf_diagnose::words::span;

use super::{CloseWaitRow, ListenRow, PortsRow, ProcessRow, RefusedRow, RemoteRow};
use crate::view::belonging;
use crate::view::sort::Sort;
use crate::view::table::{Cell, Column, Row, Table};

/// A table of counts has a column for each state that occurs in it.
pub(in crate::view) fn state_columns(counts: &[&StateCounts]) -> Vec<TcpState> {
    let occurs = |state: &TcpState| counts.iter().any(|counts| counts.of(*state) > 0);
    STATES.into_iter().filter(occurs).collect()
}

/// The column of a state; where room is short, the healthy ones go first.
pub(in crate::view) fn state_column(state: TcpState) -> Column {
    match state {
        TcpState::Listen => Column::numbers("LISTEN", 6, 3),
        TcpState::SynSent => Column::numbers("SYN-SENT", 8, 5),
        TcpState::SynRecv => Column::numbers("SYN-RECV", 8, 4),
        TcpState::Established => Column::numbers("ESTAB", 6, 0),
        TcpState::CloseWait => Column::numbers("CLOSE-WAIT", 10, 0),
        TcpState::LastAck => Column::numbers("LAST-ACK", 8, 6),
        TcpState::FinWait1 => Column::numbers("FIN-WAIT1", 9, 7),
        TcpState::FinWait2 => Column::numbers("FIN-WAIT2", 9, 2),
        TcpState::Closing => Column::numbers("CLOSING", 7, 8),
        TcpState::TimeWait => Column::numbers("TIME-WAIT", 9, 0),
        TcpState::Close => Column::numbers("CLOSE", 6, 9),
    }
}

pub(in crate::view) fn state_cells<'c>(counts: &StateCounts, states: &[TcpState]) -> Vec<Cell<'c>> {
    let cell = |&state: &TcpState| match counts.of(state) {
        0 => Cell::Blank,
        count => Cell::Number(Some(count.into())),
    };
    states.iter().map(cell).collect()
}

pub(in crate::view) fn table(columns: Vec<Column>, rows: Vec<Vec<Cell<'_>>>) -> Table<'_> {
    let row = |cells| Row {
        cells,
        quiet: false,
    };
    Table {
        columns,
        rows: rows.into_iter().map(row).collect(),
        sort: Sort::default(),
    }
}

pub(in crate::view) fn text<'t>(text: impl Into<Cow<'t, str>>) -> Cell<'t> {
    Cell::Text(text.into())
}

pub(in crate::view) fn number<'c>(number: impl Into<u64>) -> Cell<'c> {
    Cell::Number(Some(number.into()))
}

fn maybe<'c>(number: Option<u32>) -> Cell<'c> {
    Cell::Number(number.map(u64::from))
}

/// A change per second, with its sign; `-` where it is not known.
fn growth<'c>(growth: Option<f64>) -> Cell<'c> {
    let text = |growth: f64| match growth {
        0.0 => Cow::Borrowed("0"),
        growth => Cow::Owned(format!("{growth:+.1}")),
    };
    growth.map_or(Cell::Number(None), |it| Cell::Text(text(it)))
}

fn rate<'c>(per_s: Option<f64>) -> Cell<'c> {
    per_s.map_or(Cell::Number(None), |it| {
        Cell::Text(Cow::Owned(format!("{it:.1}")))
    })
}

fn age<'c>(seconds: Option<f64>) -> Cell<'c> {
    seconds.map_or(Cell::Number(None), |it| Cell::Text(Cow::Owned(span(it))))
}

fn who(name: Option<&str>) -> Cell<'_> {
    text(name.unwrap_or("?"))
}

/// Processes by the states of their sockets.
pub fn processes<'m>(rows: &[ProcessRow<'m>]) -> Table<'m> {
    let states = state_columns(&rows.iter().map(|row| &row.counts).collect::<Vec<_>>());
    let mut columns = vec![
        Column::numbers("PID", 7, 0),
        Column::words("PROCESS", 12, 30, 0),
    ];
    columns.extend(states.iter().map(|&state| state_column(state)));
    columns.push(Column::words("UNIT/CONTAINER", 14, 36, 10));
    let line = |row: &ProcessRow<'m>| {
        let mut cells = vec![maybe(row.pid.filter(|&pid| pid > 0)), who(row.name)];
        cells.extend(state_cells(&row.counts, &states));
        cells.push(belonging::home(row.container, row.unit, None));
        cells
    };
    table(columns, rows.iter().map(line).collect())
}

/// Remote hosts by the states of their connections.
pub fn remotes<'m>(rows: &[RemoteRow]) -> Table<'m> {
    let states = state_columns(&rows.iter().map(|row| &row.counts).collect::<Vec<_>>());
    let mut columns = vec![Column::words("REMOTE HOST", 15, 39, 0)];
    columns.extend(states.iter().map(|&state| state_column(state)));
    let line = |row: &RemoteRow| {
        let mut cells = vec![text(row.remote.to_string())];
        cells.extend(state_cells(&row.counts, &states));
        cells
    };
    table(columns, rows.iter().map(line).collect())
}

/// Ports of outgoing connections by destination.
pub fn ports<'m>(rows: &[PortsRow<'m>]) -> Table<'m> {
    let columns = vec![
        Column::words("FROM", 9, 39, 1),
        Column::words("TO", 14, 47, 0).keeping_its_end(),
        Column::numbers("TIME-WAIT", 9, 0),
        Column::numbers("IN USE", 6, 0),
        Column::numbers("RANGE", 6, 2),
        Column::numbers("FREE", 6, 0),
        Column::numbers("GROWTH/S", 8, 3),
        Column::numbers("EXHAUSTED IN", 12, 4),
        Column::words("LIKELY OWNER", 12, 30, 5),
        Column::numbers("NETNS", 10, 6),
    ];
    let line = |row: &PortsRow<'m>| {
        let maker = row.likely.first();
        vec![
            text(row.local_addr.to_string()),
            text(row.remote.to_string()),
            number(row.time_wait),
            number(row.in_use),
            maybe(row.ports),
            maybe(row.headroom),
            growth(row.growth_per_s),
            age(row.exhausted_in_s),
            maker.map_or(Cell::Number(None), |it| {
                text(format!("{} {}", it.process.pid, it.process.name))
            }),
            number(row.netns),
        ]
    };
    table(columns, rows.iter().map(line).collect())
}

/// Processes that do not close.
pub fn close_wait<'m>(rows: &[CloseWaitRow<'m>]) -> Table<'m> {
    let columns = vec![
        Column::numbers("PID", 7, 0),
        Column::words("PROCESS", 12, 30, 0),
        Column::numbers("CLOSE-WAIT", 10, 0),
        Column::numbers("AT LEAST FOR", 12, 1),
        Column::numbers("GROWTH/S", 8, 2),
        Column::words("MOST WITH", 15, 47, 3),
    ];
    let line = |row: &CloseWaitRow<'m>| {
        vec![
            maybe(row.pid),
            who(row.name),
            number(row.count),
            age(row.oldest_s),
            growth(row.growth_per_s),
            row.peers
                .first()
                .map_or(Cell::Blank, |peer| text(peer.remote.clone())),
        ]
    };
    table(columns, rows.iter().map(line).collect())
}

/// Queues of listening sockets.
pub fn listen<'m>(rows: &[ListenRow<'m>]) -> Table<'m> {
    let columns = vec![
        Column::words("LISTENING AT", 15, 47, 0).keeping_its_end(),
        Column::numbers("PID", 7, 0),
        Column::words("PROCESS", 12, 30, 0),
        Column::numbers("WAITING", 7, 0),
        Column::numbers("BACKLOG", 7, 0),
        Column::numbers("SYN-RECV", 8, 2),
        Column::numbers("OVERFLOWS", 9, 1),
        Column::numbers("PER SECOND", 10, 3),
        Column::numbers("NETNS", 10, 4),
    ];
    let line = |row: &ListenRow<'m>| {
        vec![
            text(row.local.to_string()),
            maybe(row.pid),
            who(row.name),
            number(row.backlog),
            number(row.backlog_max),
            number(row.syn_recv),
            maybe(row.overflows),
            growth(row.overflows_per_s),
            number(row.netns),
        ]
    };
    table(columns, rows.iter().map(line).collect())
}

/// Calls that failed for want of a port or an address.
pub fn refused<'m>(rows: &[RefusedRow<'m>]) -> Table<'m> {
    let columns = vec![
        Column::numbers("PID", 7, 0),
        Column::words("PROCESS", 12, 30, 0),
        Column::words("CALL", 7, 7, 0),
        Column::words("ADDRESS", 14, 47, 0).keeping_its_end(),
        Column::words("ERROR", 13, 13, 0),
        Column::numbers("COUNT", 7, 0),
        Column::numbers("PER SECOND", 10, 3),
        Column::numbers("TOTAL", 7, 1),
        Column::numbers("LAST AGO", 8, 2),
        Column::words("PROTO", 5, 5, 4),
        Column::numbers("NETNS", 10, 5),
    ];
    let line = |row: &RefusedRow<'m>| {
        vec![
            number(row.pid),
            who(Some(row.name)),
            text(row.call.word()),
            text(row.address.to_string()),
            text(row.error.word()),
            number(row.count),
            rate(row.per_s),
            number(row.total),
            age(Some(row.last_s)),
            text(row.proto.name()),
            number(row.netns),
        ]
    };
    table(columns, rows.iter().map(line).collect())
}
