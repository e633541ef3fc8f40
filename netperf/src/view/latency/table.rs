//! How are times put in a table?

use std::borrow::Cow;

use netperf_core::sample::latency::{LatencyKind, TimeSpan};

use super::row::LatencyRow;
use crate::view::flows_table::host;
use crate::view::sort::Sort;
use crate::view::table::{Cell, Column, Row, Table};

/// A line for each row.
pub fn table<'m>(rows: &[LatencyRow<'m>]) -> Table<'m> {
    let columns = vec![
        Column::numbers("PID", 7, 2),
        Column::words("PROCESS", 15, 18, 0),
        Column::words("REMOTE HOST", 15, 47, 0),
        Column::words("TIME TO", 9, 9, 0),
        Column::numbers("COUNT", 7, 3),
        Column::numbers("P10", 8, 5),
        Column::numbers("P50", 8, 0),
        Column::numbers("P90", 8, 4),
        Column::numbers("P99", 8, 0),
        Column::numbers("MAX", 8, 6),
    ];
    let rows = rows.iter().map(|row| Row {
        cells: line(row),
        quiet: false,
    });
    Table {
        columns,
        rows: rows.collect(),
        sort: Sort::default(),
    }
}

fn line<'m>(row: &LatencyRow<'m>) -> Vec<Cell<'m>> {
    let micros = |us| Cell::Micros(Some(us));
    vec![
        Cell::Number(Some(row.pid.into())),
        Cell::Text(Cow::Borrowed(row.name)),
        Cell::Text(Cow::Owned(host(row.remote, row.remote_host.as_deref()))),
        Cell::Text(Cow::Borrowed(words(row.kind))),
        Cell::Number(Some(row.times.count)),
        micros(row.times.p10_us),
        micros(row.times.p50_us),
        micros(row.times.p90_us),
        micros(row.times.p99_us),
        micros(row.times.max_us),
    ]
}

/// What takes this time.
fn words(kind: LatencyKind) -> &'static str {
    match kind {
        LatencyKind::Connect => "connect",
        LatencyKind::Rtt => "rtt",
        LatencyKind::Accept => "accept",
    }
}

/// The same with a span for each doubling, those without in between included: for bars.
pub fn doublings(spans: &[TimeSpan]) -> Vec<TimeSpan> {
    let mut doublings = Vec::<TimeSpan>::new();
    for span in spans {
        let from_us = match span.from_us {
            0 => 0,
            us => 1 << us.ilog2(),
        };
        while doublings.last().is_some_and(|last| last.to_us <= from_us) {
            let next = doublings.last().map_or(0, |last| last.to_us);
            doublings.push(doubling(next));
        }
        if doublings.is_empty() {
            doublings.push(doubling(from_us));
        }
        if let Some(last) = doublings.last_mut() {
            last.count += span.count;
        }
    }
    doublings
}

fn doubling(from_us: u32) -> TimeSpan {
    TimeSpan {
        from_us,
        to_us: (from_us * 2).max(1),
        count: 0,
    }
}
