//! Tables of TCP states: by process and remote host, ports, listening queues, failed calls.

use netperf_core::model::states::counts::{STATES, StateCounts};
use netperf_core::sample::TcpState;
use netperf_core::units::{Growth, PerSecond, from_seconds};

use super::{CloseWaitRow, ListenRow, PortsRow, ProcessRow, RefusedRow, RemoteRow};
use crate::view::owner_cells;
use crate::view::table::{Cell, Columns, Table};

/// Adds a column for each state that occurs in the counts of a row.
pub(in crate::view) fn state_columns<'t, R: Copy>(
    mut columns: Columns<'t, R>,
    of: impl Fn(R) -> &'t StateCounts,
) -> Columns<'t, R> {
    for state in STATES {
        if columns.rows().iter().any(|&row| of(row).of(state) > 0) {
            let (title, width, rank) = claims(state);
            columns = columns.numbers(title, width, rank, |row| match of(row).of(state) {
                0 => Cell::Blank,
                count => count.into(),
            });
        }
    }
    columns
}

/// Title, width and rank of a state's column; healthy states go first where space is short.
fn claims(state: TcpState) -> (&'static str, usize, u8) {
    match state {
        TcpState::Listen => ("LISTEN", 6, 3),
        TcpState::SynSent => ("SYN-SENT", 8, 5),
        TcpState::SynRecv => ("SYN-RECV", 8, 4),
        TcpState::Established => ("ESTAB", 6, 0),
        TcpState::CloseWait => ("CLOSE-WAIT", 10, 0),
        TcpState::LastAck => ("LAST-ACK", 8, 6),
        TcpState::FinWait1 => ("FIN-WAIT1", 9, 7),
        TcpState::FinWait2 => ("FIN-WAIT2", 9, 2),
        TcpState::Closing => ("CLOSING", 7, 8),
        TcpState::TimeWait => ("TIME-WAIT", 9, 0),
        TcpState::Close => ("CLOSE", 6, 9),
    }
}

/// Processes by the states of their sockets.
pub fn processes<'t>(rows: &'t [ProcessRow<'t>]) -> Table<'t> {
    let columns = Columns::of(rows)
        .numbers("PID", 7, 0, |row| row.pid.filter(|&pid| pid > 0))
        .words("PROCESS", 12..=30, 0, |row| row.name.unwrap_or("?"));
    state_columns(columns, |row| &row.counts)
        .words("UNIT/CONTAINER", 14..=36, 10, |row| {
            owner_cells::home(row.container, row.unit, None)
        })
        .table()
}

/// Remote hosts by the states of their connections.
pub fn remotes(rows: &[RemoteRow]) -> Table<'_> {
    let columns = Columns::of(rows).words("REMOTE HOST", 15..=39, 0, |row| row.remote);
    state_columns(columns, |row| &row.counts).table()
}

/// Ports of outgoing connections by destination.
pub fn ports<'t>(rows: &'t [PortsRow<'t>]) -> Table<'t> {
    Columns::of(rows)
        .words("FROM", 9..=39, 1, |row| row.local_addr)
        .words("TO", 14..=47, 0, |row| row.remote)
        .keeping_the_end()
        .numbers("TIME-WAIT", 9, 0, |row| row.time_wait)
        .numbers("IN USE", 6, 0, |row| row.in_use)
        .numbers("RANGE", 6, 2, |row| row.ports)
        .numbers("FREE", 6, 0, |row| row.headroom)
        .numbers("GROWTH/S", 8, 3, |row| row.growth_per_s.map(Growth))
        .numbers("EXHAUSTED IN", 12, 4, |row| {
            row.exhausted_in_s.map(from_seconds)
        })
        .words("LIKELY OWNER", 12..=30, 5, |row| {
            let owner = row.likely.first().map(|it| it.process);
            owner.map(|it| format!("{} {}", it.pid, it.name))
        })
        .numbers("NETNS", 10, 6, |row| row.netns)
        .table()
}

/// Processes that do not close their connections.
pub fn close_wait<'t>(rows: &'t [CloseWaitRow<'t>]) -> Table<'t> {
    Columns::of(rows)
        .numbers("PID", 7, 0, |row| row.pid)
        .words("PROCESS", 12..=30, 0, |row| row.name.unwrap_or("?"))
        .numbers("CLOSE-WAIT", 10, 0, |row| row.count)
        .numbers("AT LEAST FOR", 12, 1, |row| row.oldest_s.map(from_seconds))
        .numbers("GROWTH/S", 8, 2, |row| row.growth_per_s.map(Growth))
        .words("MOST WITH", 15..=47, 3, |row| match row.peers.first() {
            Some(peer) => peer.remote.clone().into(),
            None => Cell::Blank,
        })
        .table()
}

/// Queues of listening sockets.
pub fn listen<'t>(rows: &'t [ListenRow<'t>]) -> Table<'t> {
    Columns::of(rows)
        .words("LISTENING AT", 15..=47, 0, |row| row.local)
        .keeping_the_end()
        .numbers("PID", 7, 0, |row| row.pid)
        .words("PROCESS", 12..=30, 0, |row| row.name.unwrap_or("?"))
        .numbers("WAITING", 7, 0, |row| row.backlog)
        .numbers("BACKLOG", 7, 0, |row| row.backlog_max)
        .numbers("SYN-RECV", 8, 2, |row| row.syn_recv)
        .numbers("OVERFLOWS", 9, 1, |row| row.overflows)
        .numbers("PER SECOND", 10, 3, |row| row.overflows_per_s.map(Growth))
        .numbers("NETNS", 10, 4, |row| row.netns)
        .table()
}

/// Calls that failed because no port or address was free.
pub fn refused<'t>(rows: &'t [RefusedRow<'t>]) -> Table<'t> {
    Columns::of(rows)
        .numbers("PID", 7, 0, |row| row.pid)
        .words("PROCESS", 12..=30, 0, |row| row.name)
        .words("CALL", 7..=7, 0, |row| row.call.word())
        .words("ADDRESS", 14..=47, 0, |row| row.address)
        .keeping_the_end()
        .words("ERROR", 13..=13, 0, |row| row.error.word())
        .numbers("COUNT", 7, 0, |row| row.count)
        .numbers("PER SECOND", 10, 3, |row| row.per_s.map(PerSecond))
        .numbers("TOTAL", 7, 1, |row| row.total)
        .numbers("LAST AGO", 8, 2, |row| from_seconds(row.last_s))
        .words("PROTO", 5..=5, 4, |row| row.proto.name())
        .numbers("NETNS", 10, 5, |row| row.netns)
        .table()
}
