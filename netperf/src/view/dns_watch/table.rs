//! How are those who ask put in a table?

use std::borrow::Cow;

use netperf_core::model::spread::Spread;

use super::AskerRow;
use crate::view::sort::Sort;
use crate::view::table::{Cell, Column, Row, Table};

/// A line for each process.
pub fn table(processes: &[AskerRow]) -> Table<'_> {
    let columns = vec![
        Column::numbers("PID", 7, 0),
        Column::words("PROCESS", 15, 18, 0),
        Column::numbers("QUERIES", 7, 0),
        Column::numbers("P50", 8, 0),
        Column::numbers("P95", 8, 0),
        Column::numbers("MAX", 8, 3),
        Column::numbers("TIMEOUT", 7, 0),
        Column::numbers("FAILED", 6, 0),
        Column::numbers("NO NAME", 7, 2),
        Column::numbers("RETRIES", 7, 1),
    ];
    Table {
        columns,
        rows: processes.iter().map(line).collect(),
        sort: Sort::default(),
    }
}

fn line(row: &AskerRow) -> Row<'_> {
    let time = |pick: fn(&Spread) -> u64| {
        let micros = row.time.as_ref().map(pick);
        Cell::Micros(micros.map(|it| u32::try_from(it).unwrap_or(u32::MAX)))
    };
    let cells = vec![
        Cell::Number(Some(row.pid.into())),
        Cell::Text(Cow::Borrowed(&row.name)),
        Cell::Number(Some(row.queries)),
        time(|it| it.p50_us),
        time(|it| it.p95_us),
        time(|it| it.max_us),
        Cell::Number(Some(row.timeouts)),
        Cell::Number(Some(row.failures)),
        Cell::Number(Some(row.no_name)),
        Cell::Number(Some(row.retries)),
    ];
    Row {
        cells,
        quiet: false,
    }
}
