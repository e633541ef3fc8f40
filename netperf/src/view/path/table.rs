//! The table of a path's hops.

use netperf_core::units::{Percent, from_micros};

use super::{HopHost, HopRow};
use crate::view::table::{Cell, Columns, Table};

/// A hop, or a further router at the same distance.
#[derive(Clone, Copy)]
enum Line<'t> {
    Hop(&'t HopRow),
    Further(&'t HopHost),
}

impl<'t> Line<'t> {
    fn of_hop<C: Into<Cell<'t>>>(self, cell: impl Fn(&'t HopRow) -> C) -> Cell<'t> {
        match self {
            Self::Hop(row) => cell(row).into(),
            Self::Further(_) => Cell::Blank,
        }
    }

    fn time(self, time: impl Fn(&'t HopRow) -> Option<u32>) -> Cell<'t> {
        self.of_hop(|row| time(row).map(from_micros))
    }

    fn host(self) -> String {
        match self {
            Self::Hop(row) => {
                let first = row.hosts.first();
                let first = first.map(|it| host(it, row.hosts.len() > 1));
                let end = if row.stopped.is_some() {
                    " no further"
                } else {
                    ""
                };
                first.unwrap_or("no answer".to_owned()) + end
            }
            Self::Further(other) => host(other, true),
        }
    }

    fn is_quiet(self) -> bool {
        match self {
            Self::Hop(row) => row.hosts.is_empty(),
            Self::Further(_) => true,
        }
    }
}

/// A line for each hop, and one for each further router at the same distance.
pub fn hops(rows: &[HopRow]) -> Table<'_> {
    let lines = rows.iter().flat_map(|row| {
        let further = row.hosts.iter().skip(1).map(Line::Further);
        std::iter::once(Line::Hop(row)).chain(further)
    });
    Columns::of(lines)
        .numbers("HOP", 3, 0, |line| line.of_hop(|row| row.ttl))
        .words("HOST", 15..=60, 0, Line::host)
        .numbers("LOSS", 6, 0, |line| {
            line.of_hop(|row| row.loss_percent.map(Percent))
        })
        .numbers("SENT", 4, 3, |line| line.of_hop(|row| row.sent))
        .numbers("LAST", 7, 2, |line| line.time(|row| row.last_us))
        .numbers("AVG", 7, 0, |line| line.time(|row| row.avg_us))
        .numbers("BEST", 7, 4, |line| line.time(|row| row.best_us))
        .numbers("WORST", 7, 1, |line| line.time(|row| row.worst_us))
        .numbers("STDEV", 7, 5, |line| line.time(|row| row.stddev_us))
        .numbers("JITTER", 7, 6, |line| line.time(|row| row.jitter_us))
        .quiet_if(Line::is_quiet)
        .table()
}

/// `count` lines of the table, from line `first` on.
pub fn in_sight(table: Table<'_>, first: usize, count: usize) -> Table<'_> {
    let rows = table.rows.into_iter().skip(first).take(count).collect();
    Table { rows, ..table }
}

/// An address, with its name where it is known, and its count where several hosts answer.
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
