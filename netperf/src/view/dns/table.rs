//! How are resolvers put in a table?

use std::borrow::Cow;

use netperf_core::model::dns::resolver::{ResolverRow, TypeRow};

use crate::view::sort::Sort;
use crate::view::table::{Cell, Column, Row, Table};

/// A line for each resolver and type.
pub fn table(resolvers: &[ResolverRow]) -> Table<'_> {
    let columns = vec![
        Column::words("RESOLVER", 15, 47, 0).keeping_its_end(),
        Column::words("TYPE", 4, 6, 0),
        Column::numbers("SENT", 4, 3),
        Column::numbers("LOST", 4, 0),
        Column::numbers("TRUNC", 5, 5),
        Column::numbers("MIN", 8, 4),
        Column::numbers("AVG", 8, 2),
        Column::numbers("P95", 8, 0),
        Column::numbers("MAX", 8, 4),
        Column::words("RESULT", 8, 30, 0),
        Column::words("ANSWER", 15, 80, 1),
    ];
    let rows = resolvers
        .iter()
        .flat_map(|resolver| resolver.types.iter().map(|kind| line(resolver, kind)));
    Table {
        columns,
        rows: rows.collect(),
        sort: Sort::default(),
    }
}

fn line<'r>(resolver: &ResolverRow, row: &'r TypeRow) -> Row<'r> {
    let time = |pick: fn(&netperf_core::model::spread::Spread) -> u64| {
        let micros = row.time.as_ref().map(pick);
        Cell::Micros(micros.map(|it| u32::try_from(it).unwrap_or(u32::MAX)))
    };
    let count = |count: usize| Cell::Number(u64::try_from(count).ok());
    let results: Vec<_> = match row.results.iter().next() {
        Some((only, _)) if row.results.len() == 1 => vec![only.clone()],
        _ => {
            let results = row.results.iter();
            results
                .map(|(result, count)| format!("{result} {count}"))
                .collect()
        }
    };
    let cells = vec![
        Cell::Text(Cow::Owned(resolver.server.to_string())),
        Cell::Text(Cow::Borrowed(&row.kind)),
        count(row.sent),
        count(row.timeouts + row.failed),
        count(row.truncated),
        time(|it| it.min_us),
        time(|it| it.avg_us),
        time(|it| it.p95_us),
        time(|it| it.max_us),
        Cell::Text(Cow::Owned(results.join(", "))),
        Cell::Text(Cow::Owned(row.values().join(" "))),
    ];
    Row {
        cells,
        quiet: false,
    }
}
