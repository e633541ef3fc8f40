//! How are the hops of a path laid out?

use std::borrow::Cow;

use netperf_diagnose::path::words::{ms_or_dash, percent};

use super::{HopHost, HopRow};
use crate::view::sort::{Figures, Sort, SortKey};
use crate::view::table::{Cell, Column, Row, Table};

/// A line for each hop, and one for each further router at the same distance.
pub fn hops(rows: &[HopRow]) -> Table<'_> {
    let columns = vec![
        Column::numbers("HOP", 3, 0),
        Column::words("HOST", 15, 60, 0),
        Column::numbers("LOSS", 6, 0),
        Column::numbers("SENT", 4, 3),
        Column::numbers("LAST", 7, 2),
        Column::numbers("AVG", 7, 0),
        Column::numbers("BEST", 7, 4),
        Column::numbers("WORST", 7, 1),
        Column::numbers("STDEV", 7, 5),
        Column::numbers("JITTER", 7, 6),
    ];
    Table {
        columns,
        rows: rows.iter().flat_map(lines).collect(),
        // By distance, which is none of the keys.
        sort: Sort {
            key: SortKey::Total,
            figures: Figures::Rates,
        },
    }
}

/// Only so many lines, from this one on.
pub fn in_sight(table: Table<'_>, first: usize, count: usize) -> Table<'_> {
    let rows = table.rows.into_iter().skip(first).take(count).collect();
    Table { rows, ..table }
}

fn lines(row: &HopRow) -> Vec<Row<'_>> {
    let (first, others) = match row.hosts.split_first() {
        Some((first, others)) => (host(first, !others.is_empty()), others),
        None => ("no answer".to_owned(), [].as_slice()),
    };
    let first = match row.stopped {
        Some(_) => format!("{first} no further"),
        None => first,
    };
    let mut lines = vec![Row {
        cells: cells(row, first),
        quiet: row.hosts.is_empty(),
    }];
    lines.extend(others.iter().map(|other| {
        let mut cells = vec![Cell::Blank; 10];
        cells[1] = Cell::Text(Cow::Owned(host(other, true)));
        Row { cells, quiet: true }
    }));
    lines
}

fn cells(row: &HopRow, host: String) -> Vec<Cell<'static>> {
    let text = |text: String| Cell::Text(Cow::Owned(text));
    let times = [
        row.last_us,
        row.avg_us,
        row.best_us,
        row.worst_us,
        row.stddev_us,
        row.jitter_us,
    ];
    let loss = row.loss_percent.map_or("-".to_owned(), percent);
    let first = [
        Cell::Number(u64::try_from(row.ttl).ok()),
        text(host),
        text(loss),
        Cell::Number(Some(row.sent)),
    ];
    first
        .into_iter()
        .chain(times.map(|time| text(ms_or_dash(time))))
        .collect()
}

/// An address, with its name where that is known, and how often where others answer as well.
fn host(host: &HopHost, is_shared: bool) -> String {
    let address = host.address;
    let named = match &host.name {
        Some(name) => format!("{name} ({address})"),
        None => address.to_string(),
    };
    if is_shared {
        format!("{named} {}x", host.received)
    } else {
        named
    }
}
