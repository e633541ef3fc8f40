//! The table of latencies, and the bars of their histograms.

use netperf_core::sample::latency::{LatencyKind, TimeSpan};
use netperf_core::units::from_micros;

use super::row::LatencyRow;
use crate::view::flows_table::host;
use crate::view::table::{Columns, Table};

/// A line for each row.
pub fn table<'t>(rows: &'t [LatencyRow<'t>]) -> Table<'t> {
    Columns::of(rows)
        .numbers("PID", 7, 2, |row| row.pid)
        .words("PROCESS", 15..=18, 0, |row| row.name)
        .words("REMOTE HOST", 15..=47, 0, |row| {
            host(row.remote, row.remote_host.as_deref())
        })
        .words("TIME TO", 9..=9, 0, |row| words(row.kind))
        .numbers("COUNT", 7, 3, |row| row.times.count)
        .numbers("P10", 8, 5, |row| from_micros(row.times.p10_us))
        .numbers("P50", 8, 0, |row| from_micros(row.times.p50_us))
        .numbers("P90", 8, 4, |row| from_micros(row.times.p90_us))
        .numbers("P99", 8, 0, |row| from_micros(row.times.p99_us))
        .numbers("MAX", 8, 6, |row| from_micros(row.times.max_us))
        .table()
}

/// What was timed, in words.
fn words(kind: LatencyKind) -> &'static str {
    match kind {
        LatencyKind::Connect => "connect",
        LatencyKind::Rtt => "rtt",
        LatencyKind::Accept => "accept",
    }
}

/// The histogram in buckets that double, without gaps, for bars.
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
