//! The table of a request's phases, with a bar each that begins where the one before ends.

use netperf_core::model::http::target::TargetRow;
use netperf_core::model::spread::Spread;
use netperf_core::units::{Percent, from_micros};

use crate::view::table::{Cell, Columns, Table};

/// Width of all bars together, in columns.
const BAR: usize = 40;

/// A phase, or the whole request.
#[derive(Clone, Copy)]
struct Line<'t> {
    name: &'t str,
    time: &'t Spread,
    /// When it began, and its share of the total; `None` for the total itself.
    place: Option<(u64, Percent)>,
}

/// A line for each phase, and one for all.
pub fn table(target: &TargetRow) -> Table<'_> {
    let whole: u64 = target.phases.iter().map(|row| row.time.avg_us).sum();
    Columns::of(lines(target))
        .words("PHASE", 8..=8, 0, |line| line.name)
        .numbers("AVG", 8, 0, |line| from_micros(line.time.avg_us))
        .words("", BAR..=BAR, 1, |line| match line.place {
            Some((begin, _)) => bar(begin, line.time.avg_us, whole).into(),
            None => Cell::Blank,
        })
        .numbers("SHARE", 5, 2, |line| match line.place {
            Some((_, share)) => share.into(),
            None => Cell::Blank,
        })
        .numbers("MIN", 8, 5, |line| from_micros(line.time.min_us))
        .numbers("P50", 8, 4, |line| from_micros(line.time.p50_us))
        .numbers("P95", 8, 0, |line| from_micros(line.time.p95_us))
        .numbers("MAX", 8, 4, |line| from_micros(line.time.max_us))
        .words("ENDS WITH (CURL -W)", 19..=19, 3, |line| curl(line.name))
        .table()
}

fn lines(target: &TargetRow) -> Vec<Line<'_>> {
    let mut begin = 0;
    let mut lines = Vec::new();
    // What there was not (a lookup, TLS) has no line.
    for phase in target.phases.iter().filter(|phase| phase.time.max_us > 0) {
        lines.push(Line {
            name: phase.phase,
            time: &phase.time,
            place: Some((begin, Percent(phase.share_percent))),
        });
        begin += phase.time.avg_us;
    }
    lines.extend(target.total.as_ref().map(|time| Line {
        name: "total",
        time,
        place: None,
    }));
    lines
}

/// A bar that begins where the phase does; no phase is shorter than one block.
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

/// Name of the `curl -w` variable that marks the end of this phase.
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
