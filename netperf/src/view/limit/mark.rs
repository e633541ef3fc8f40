//! How is it seen in a table of processes which of them are limited?

use std::borrow::Cow;

use netperf_core::sample::ProcessId;
use netperf_core::sample::limit::LimitRecord;
use netperf_core::units::{ByteRate, Units};

use crate::view::table::{Cell, Column, Table};

/// The new column comes after number, user and name.
const PLACE: usize = 3;

/// Adds the limit of each process of `rows` to their table, if any process is limited. Of several
/// limits it is the tightest.
pub fn mark(
    table: &mut Table<'_>,
    rows: impl Iterator<Item = ProcessId>,
    limits: &[LimitRecord],
    units: Units,
) {
    if limits.is_empty() {
        return;
    }
    table
        .columns
        .insert(PLACE, Column::words("LIMIT", 9, 26, 1));
    for (line, id) in table.rows.iter_mut().zip(rows) {
        let cell = match limit_of(id, limits) {
            (None, None) => Cell::Blank,
            (Some(up), Some(down)) if up == down => Cell::Speed(Some(up)),
            (up, down) => Cell::Text(Cow::Owned(words(up, down, units))),
        };
        line.cells.insert(PLACE, cell);
    }
}

fn limit_of(id: ProcessId, limits: &[LimitRecord]) -> (Option<u64>, Option<u64>) {
    let of = limits
        .iter()
        .filter(|limit| limit.processes.iter().any(|one| one.is(id)));
    let tightest = |pick: fn(&LimitRecord) -> Option<u64>| of.clone().filter_map(pick).min();
    (
        tightest(|limit| limit.up_bytes_per_s),
        tightest(|limit| limit.down_bytes_per_s),
    )
}

fn words(up: Option<u64>, down: Option<u64>, units: Units) -> String {
    let rate =
        |name: &str, rate: Option<u64>| Some(format!("{name} {}", units.rate(ByteRate(rate?))));
    let each = [rate("up", up), rate("down", down)];
    each.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sort::Sort;
    use crate::view::table::Row;
    use netperf_core::clock::MonoNs;
    use netperf_core::fixtures::limit_record;

    fn marked(limits: &[LimitRecord]) -> Vec<Cell<'static>> {
        let row = |_| Row {
            cells: vec![Cell::Blank; 4],
            quiet: false,
        };
        let mut table = Table {
            columns: vec![Column::numbers("X", 1, 0); 4],
            rows: (0..2).map(row).collect(),
            sort: Sort::default(),
        };
        let start = MonoNs(5);
        let rows = [9821, 7].map(|tgid| ProcessId { tgid, start });
        mark(&mut table, rows.into_iter(), limits, Units::Auto);
        let cells = table.rows.into_iter().map(|row| {
            assert_eq!(row.cells.len(), table.columns.len());
            row.cells[PLACE].clone()
        });
        cells.collect()
    }

    #[test]
    fn the_tightest_limit_is_shown_and_nothing_where_there_is_none() {
        let tighter = LimitRecord {
            up_bytes_per_s: Some(5_000_000),
            ..limit_record(2)
        };
        let cells = marked(&[limit_record(1), tighter]);
        assert_eq!(cells[0], Cell::Text("up 5.00 MB/s".into()));
        assert_eq!(cells[1], Cell::Blank);
        let both = LimitRecord {
            down_bytes_per_s: Some(20_000_000),
            ..limit_record(1)
        };
        assert_eq!(marked(&[both])[0], Cell::Speed(Some(20_000_000)));
        assert_eq!(marked(&[])[0], Cell::Blank);
    }
}
