//! Tables of a tick of `states --watch`: transitions by process, and TIME_WAIT by destination or port.

use netperf_core::units::PerSecond;

use super::{AcceptedRow, ChurnProcess, OutgoingRow, WaitsRow};
use crate::view::states::table::state_columns;
use crate::view::table::{Columns, Table};

/// Processes with the transitions of their connections.
pub fn processes<'t>(rows: &'t [ChurnProcess<'t>]) -> Table<'t> {
    let columns =
        Columns::of(rows)
            .numbers("PID", 7, 0, |row| row.pid)
            .words("PROCESS", 12..=30, 0, |row| row.name);
    state_columns(columns, |row| &row.counts).table()
}

/// Destinations with the TIME_WAIT of connections to them.
pub fn outgoing<'t>(rows: &'t [OutgoingRow<'t>]) -> Table<'t> {
    let columns = Columns::of(rows)
        .words("FROM", 9..=39, 1, |row| row.local_addr)
        .words("TO", 14..=47, 0, |row| row.remote)
        .keeping_the_end();
    waits(columns, |row| &row.waits).table()
}

/// Listening ports with the TIME_WAIT of connections that they accepted.
pub fn accepted<'t>(rows: &'t [AcceptedRow<'t>]) -> Table<'t> {
    let columns = Columns::of(rows)
        .words("ACCEPTED AT", 14..=47, 0, |row| row.local)
        .keeping_the_end();
    waits(columns, |row| &row.waits).table()
}

fn waits<'t, R: Copy>(
    columns: Columns<'t, R>,
    of: impl Fn(R) -> &'t WaitsRow<'t>,
) -> Columns<'t, R> {
    columns
        .numbers("BEGUN/s", 8, 0, |row| of(row).begun_per_s.map(PerSecond))
        .numbers("ENDED/s", 8, 0, |row| of(row).ended_per_s.map(PerSecond))
        .words("PROCESSES", 14..=40, 0, |row| processes_of(of(row)))
}

/// The processes in one cell: `nginx[7] curl[9]`.
fn processes_of(row: &WaitsRow<'_>) -> String {
    let pairs = row.names.iter().zip(&row.pids);
    let texts: Vec<_> = pairs.map(|(name, pid)| format!("{name}[{pid}]")).collect();
    texts.join(" ")
}
