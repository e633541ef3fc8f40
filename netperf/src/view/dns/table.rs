//! The table of resolvers: speed and results, by record type.

use netperf_core::model::dns::resolver::{ResolverRow, TypeRow};
use netperf_core::model::spread::Spread;
use netperf_core::units::from_micros;

use crate::view::table::{Columns, Table};

/// A line for each resolver and type.
pub fn table(resolvers: &[ResolverRow]) -> Table<'_> {
    let lines = resolvers
        .iter()
        .flat_map(|resolver| resolver.types.iter().map(|row| (resolver.server, row)));
    let time = |row: &TypeRow, pick: fn(Spread) -> u64| row.time.map(pick).map(from_micros);
    Columns::of(lines)
        .words("RESOLVER", 15..=47, 0, |(server, _)| server)
        .keeping_the_end()
        .words("TYPE", 4..=6, 0, |(_, row)| row.kind.as_str())
        .numbers("SENT", 4, 3, |(_, row)| row.sent)
        .numbers("LOST", 4, 0, |(_, row)| row.timeouts + row.failed)
        .numbers("TRUNC", 5, 5, |(_, row)| row.truncated)
        .numbers("MIN", 8, 4, |(_, row)| time(row, |it| it.min_us))
        .numbers("AVG", 8, 2, |(_, row)| time(row, |it| it.avg_us))
        .numbers("P95", 8, 0, |(_, row)| time(row, |it| it.p95_us))
        .numbers("MAX", 8, 4, |(_, row)| time(row, |it| it.max_us))
        .words("RESULT", 8..=30, 0, |(_, row)| results(row))
        .words("ANSWER", 15..=80, 1, |(_, row)| row.values().join(" "))
        .table()
}

/// The only result, or each result with its count.
fn results(row: &TypeRow) -> String {
    match row.results.first_key_value() {
        Some((only, _)) if row.results.len() == 1 => only.clone(),
        _ => {
            let results = row.results.iter();
            let texts: Vec<_> = results.map(|(it, count)| format!("{it} {count}")).collect();
            texts.join(", ")
        }
    }
}
