//! How are phases put in a table, with a bar each that begins where the one before ends?

use std::borrow::Cow;

use netperf_core::model::http::target::TargetRow;
use netperf_core::model::spread::Spread;

use crate::view::sort::Sort;
use crate::view::table::{Cell, Column, Row, Table};

/// Columns of all bars together.
const BAR: usize = 40;

/// A line for each phase, and one for all.
pub fn table(target: &TargetRow) -> Table<'static> {
    let columns = vec![
        Column::words("PHASE", 8, 8, 0),
        Column::numbers("AVG", 8, 0),
        Column::words("", BAR, BAR, 1),
        Column::numbers("SHARE", 5, 2),
        Column::numbers("MIN", 8, 5),
        Column::numbers("P50", 8, 4),
        Column::numbers("P95", 8, 0),
        Column::numbers("MAX", 8, 4),
        Column::words("ENDS WITH (CURL -W)", 19, 19, 3),
    ];
    let whole: u64 = target.phases.iter().map(|row| row.time.avg_us).sum();
    let mut begin = 0;
    let mut rows = Vec::new();
    // What there was not (a lookup, TLS) has no line.
    for phase in target.phases.iter().filter(|phase| phase.time.max_us > 0) {
        let bar = bar(begin, phase.time.avg_us, whole);
        begin += phase.time.avg_us;
        let share = format!("{:.0} %", phase.share_percent);
        rows.push(row(
            phase.phase,
            &phase.time,
            (bar, share),
            curl(phase.phase),
        ));
    }
    if let Some(total) = &target.total {
        let nothing = (String::new(), String::new());
        rows.push(row("total", total, nothing, "time_total"));
    }
    Table {
        columns,
        rows,
        sort: Sort::default(),
    }
}

fn row(
    name: &'static str,
    time: &Spread,
    (bar, share): (String, String),
    curl: &'static str,
) -> Row<'static> {
    let micros = |us: u64| Cell::Micros(Some(u32::try_from(us).unwrap_or(u32::MAX)));
    Row {
        cells: vec![
            Cell::Text(Cow::Borrowed(name)),
            micros(time.avg_us),
            Cell::Text(Cow::Owned(bar)),
            Cell::Text(Cow::Owned(share)),
            micros(time.min_us),
            micros(time.p50_us),
            micros(time.p95_us),
            micros(time.max_us),
            Cell::Text(Cow::Borrowed(curl)),
        ],
        quiet: false,
    }
}

/// Blanks up to its beginning, then its length; what took any time is seen.
fn bar(begin: u64, length: u64, whole: u64) -> String {
    let columns = u64::try_from(BAR).unwrap_or(0);
    let place = |us: u64| usize::try_from(us * columns / whole.max(1)).unwrap_or(BAR);
    if length == 0 {
        return String::new();
    }
    let from = place(begin).min(BAR - 1);
    let to = place(begin + length).clamp(from + 1, BAR);
    format!("{}{}", " ".repeat(from), "█".repeat(to - from))
}

/// The time of `curl -w` that ends with this phase.
fn curl(phase: &str) -> &'static str {
    match phase {
        "dns" => "time_namelookup",
        "connect" => "time_connect",
        "tls" => "time_appconnect",
        "request" => "time_posttransfer",
        "wait" => "time_starttransfer",
        _ => "time_total",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_follow_each_other_and_the_shortest_is_seen() {
        assert_eq!(bar(0, 50, 100), "█".repeat(20));
        assert_eq!(
            bar(50, 50, 100),
            format!("{}{}", " ".repeat(20), "█".repeat(20))
        );
        assert_eq!(bar(0, 1, 1_000_000), "█");
        assert_eq!(bar(1_000_000, 1, 1_000_000), format!("{}█", " ".repeat(39)));
        assert_eq!(bar(5, 0, 100), "");
    }
}
