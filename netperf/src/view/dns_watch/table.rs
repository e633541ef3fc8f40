//! The table of processes and their DNS queries.

use netperf_core::units::from_micros;

use super::AskerRow;
use crate::view::table::{Columns, Table};

/// A line for each process.
pub fn table(processes: &[AskerRow]) -> Table<'_> {
    Columns::of(processes)
        .numbers("PID", 7, 0, |row| row.pid)
        .words("PROCESS", 15..=18, 0, |row| row.name.as_str())
        .numbers("QUERIES", 7, 0, |row| row.queries)
        .numbers("P50", 8, 0, |row| row.time.map(|it| from_micros(it.p50_us)))
        .numbers("P95", 8, 0, |row| row.time.map(|it| from_micros(it.p95_us)))
        .numbers("MAX", 8, 3, |row| row.time.map(|it| from_micros(it.max_us)))
        .numbers("TIMEOUT", 7, 0, |row| row.timeouts)
        .numbers("FAILED", 6, 0, |row| row.failures)
        .numbers("NO NAME", 7, 2, |row| row.no_name)
        .numbers("RETRIES", 7, 1, |row| row.retries)
        .table()
}
