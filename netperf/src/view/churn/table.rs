//! How is a tick of `states --watch` put in tables?

use super::{AcceptedRow, ChurnProcess, OutgoingRow, WaitsRow};
use crate::view::states::table::{number, state_cells, state_column, state_columns, table, text};
use crate::view::table::{Cell, Column, Table};

/// Processes by what their connections went to.
pub fn processes<'m>(rows: &[ChurnProcess<'m>]) -> Table<'m> {
    let states = state_columns(&rows.iter().map(|row| &row.counts).collect::<Vec<_>>());
    let mut columns = vec![
        Column::numbers("PID", 7, 0),
        Column::words("PROCESS", 12, 30, 0),
    ];
    columns.extend(states.iter().map(|&state| state_column(state)));
    let line = |row: &ChurnProcess<'m>| {
        let mut cells = vec![number(row.pid), text(row.name)];
        cells.extend(state_cells(&row.counts, &states));
        cells
    };
    table(columns, rows.iter().map(line).collect())
}

/// Destinations by how many connections to them wait.
pub fn outgoing<'m>(rows: &[OutgoingRow<'m>]) -> Table<'m> {
    let mut columns = vec![
        Column::words("FROM", 9, 39, 1),
        Column::words("TO", 14, 47, 0).keeping_its_end(),
    ];
    columns.extend(waits_columns());
    let line = |row: &OutgoingRow<'m>| {
        let mut cells = vec![
            text(row.local_addr.to_string()),
            text(row.remote.to_string()),
        ];
        cells.extend(waits_cells(&row.waits));
        cells
    };
    table(columns, rows.iter().map(line).collect())
}

/// Ports that accept by how many of their connections wait.
pub fn accepted<'m>(rows: &[AcceptedRow<'m>]) -> Table<'m> {
    let mut columns = vec![Column::words("ACCEPTED AT", 14, 47, 0).keeping_its_end()];
    columns.extend(waits_columns());
    let line = |row: &AcceptedRow<'m>| {
        let mut cells = vec![text(row.local.to_string())];
        cells.extend(waits_cells(&row.waits));
        cells
    };
    table(columns, rows.iter().map(line).collect())
}

fn waits_columns() -> [Column; 3] {
    [
        Column::numbers("BEGUN/s", 8, 0),
        Column::numbers("ENDED/s", 8, 0),
        Column::words("PROCESSES", 14, 40, 0),
    ]
}

fn waits_cells<'m>(row: &WaitsRow<'m>) -> [Cell<'m>; 3] {
    let rate =
        |rate: Option<f64>| rate.map_or(Cell::Number(None), |rate| text(format!("{rate:.1}")));
    let processes: Vec<_> = row
        .names
        .iter()
        .zip(&row.pids)
        .map(|(name, pid)| format!("{name}[{pid}]"))
        .collect();
    [
        rate(row.begun_per_s),
        rate(row.ended_per_s),
        text(processes.join(" ")),
    ]
}
