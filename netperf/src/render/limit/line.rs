//! The status line of a limit: its rates, its queues, the time left.

use netperf_core::text::{fit, visible, width};
use netperf_core::units::{ByteRate, Bytes, Units, format_millis, format_seconds};

use crate::view::limit::{DirectionRow, LimitTick};

/// Spaces between two parts.
const GAP: &str = "  ";

/// The whole line.
pub(super) fn full_line(tick: &LimitTick<'_>, units: Units) -> String {
    let parts = parts(tick, units).into_iter().map(|(_, part)| part);
    let who = format!("limit {} {}", tick.id, visible(tick.name));
    let parts: Vec<_> = std::iter::once(who).chain(parts).collect();
    parts.join(GAP)
}

/// The line within so many columns: the least important parts go first.
pub(super) fn short_line(tick: &LimitTick<'_>, units: Units, columns: usize) -> String {
    let mut parts = parts(tick, units);
    // The last column stays free: a terminal would begin a new line there.
    let room = columns.saturating_sub(1);
    loop {
        let line: Vec<&str> = parts.iter().map(|(_, part)| part.as_str()).collect();
        let line = line.join(GAP);
        let last = parts.iter().map(|&(rank, _)| rank).max().unwrap_or(0);
        if width(&line) <= room || last == 0 {
            return fit(&line, room).into_owned();
        }
        parts.retain(|&(rank, _)| rank != last);
    }
}

/// The parts, each with a rank: the highest number goes first, 0 stays.
fn parts(tick: &LimitTick<'_>, units: Units) -> Vec<(u8, String)> {
    let directions: Vec<_> = tick.directions().collect();
    let of_each = |tell: &dyn Fn(&DirectionRow) -> String| {
        let each = directions.iter().map(|(_, row)| tell(row));
        each.collect::<Vec<_>>().join("/")
    };
    let mut parts: Vec<(u8, String)> = directions
        .iter()
        .map(|(name, row)| (0, format!("{name} {}", achieved(row, units))))
        .collect();
    let total = of_each(&|row| units.size(Bytes(row.bytes)));
    let dropped: u64 = directions.iter().map(|(_, row)| row.dropped).sum();
    parts.push((3, total));
    let delay = of_each(&|row| format_millis(row.queue_delay_ms));
    parts.push((2, format!("queue {delay}")));
    parts.push((4, format!("{dropped} dropped")));
    parts.push((5, format!("{} proc {} sock", tick.pids.len(), tick.sockets)));
    if let Some(left) = tick.left_s {
        parts.push((1, format!("{} left", format_seconds(left))));
    }
    if !tick.uncovered.is_empty() {
        let names: Vec<_> = tick
            .uncovered
            .iter()
            .map(|one| visible(&one.name))
            .collect();
        parts.push((1, format!("not limited: {}", names.join(" "))));
    }
    parts
}

/// Rate and limit: `19.9/20.0 MB/s`, each with its unit where they differ.
fn achieved(row: &DirectionRow, units: Units) -> String {
    let limit = units.rate(ByteRate(row.limit_bytes_per_s));
    let Some(now) = row.bytes_per_s else {
        return format!("-/{limit}");
    };
    let now = units.rate(ByteRate(now));
    match (now.split_once(' '), limit.split_once(' ')) {
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number}/{limit}"),
        _ => format!("{now} of {limit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::time::Rfc3339;
    use netperf_core::clock::WallNs;
    use netperf_core::sample::Loss;
    use netperf_core::sample::limit::Uncovered;

    const ROW: DirectionRow = DirectionRow {
        limit_bytes_per_s: 20_000_000,
        bytes_per_s: Some(19_900_000),
        bytes: 1_200_000_000,
        dropped: 2,
        queued_bytes: 1_000_000,
        queue_delay_ms: 50,
    };

    fn tick(down: Option<DirectionRow>) -> LimitTick<'static> {
        LimitTick {
            time: Rfc3339(WallNs(0)),
            interval_s: Some(1.0),
            id: 3,
            pids: &[7, 8],
            name: "rsync",
            sockets: 12,
            mechanism: "bounce",
            up: Some(ROW),
            down,
            left_s: Some(597.5),
            uncovered: &[],
            loss: Loss::default(),
        }
    }

    #[test]
    fn one_direction_fits_eighty_columns_whole() {
        let line = short_line(&tick(None), Units::Auto, 80);
        assert_eq!(
            line,
            "up 19.9/20.0 MB/s  1.20 GB  queue 50 ms  2 dropped  2 proc 12 sock  9m58s left"
        );
    }

    #[test]
    fn what_matters_least_goes_first_and_nothing_is_wider_than_the_terminal() {
        let both = tick(Some(DirectionRow {
            bytes_per_s: Some(310_000),
            ..ROW
        }));
        let line = short_line(&both, Units::Auto, 80);
        assert!(
            line.starts_with("up 19.9/20.0 MB/s  down 310 kB/s of 20.0 MB/s"),
            "{line}"
        );
        assert!(
            line.contains("queue 50 ms/50 ms") && line.ends_with("left"),
            "{line}"
        );
        for columns in 1..200 {
            assert!(
                width(&short_line(&both, Units::Auto, columns)) < columns,
                "{columns}"
            );
        }
    }

    #[test]
    fn an_interface_that_is_not_limited_is_named() {
        let uncovered = [Uncovered {
            name: "wg\x1b0".to_owned(),
            why: "it came later".to_owned(),
        }];
        let told = LimitTick {
            uncovered: &uncovered,
            ..tick(None)
        };
        assert!(full_line(&told, Units::Auto).contains(r"not limited: wg\x1b0"));
    }
}
