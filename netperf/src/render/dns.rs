//! `dns` as text: the lookup, the resolvers, then findings.

use std::io::{self, Write};

use netperf_core::units::{Units, counted, format_micros};

use super::output::{Report, Style};
use super::prose::{LINE, finding, sentence};
use super::text_table;
use crate::view::dns::{DnsTick, LookupRow, table};

impl Report for DnsTick {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        text(self, style.width.unwrap_or(LINE), out)
    }
}

fn text(tick: &DnsTick, width: usize, out: &mut Vec<u8>) -> io::Result<()> {
    sentence(
        "",
        &format!("{}  {}", tick.time.to_seconds(), summary(tick)),
        width,
        out,
    )?;
    if let Some(lookup) = &tick.lookup {
        sentence(
            "one lookup, as programs make it: ",
            &cost(lookup),
            width,
            out,
        )?;
        if lookup.names.len() > 1 || lookup.timeouts > 0 {
            queries(lookup, width, out)?;
        }
    }
    writeln!(out)?;
    for line in text_table::lines(&table::table(&tick.resolvers), Units::Auto, width) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\nFINDINGS")?;
    for found in &tick.findings {
        finding(found, true, width, out)?;
    }
    writeln!(out)
}

fn summary(tick: &DnsTick) -> String {
    let found = match &tick.lookup {
        Some(lookup) if !lookup.addresses.is_empty() => {
            let addresses: Vec<_> = lookup.addresses.iter().map(ToString::to_string).collect();
            format!(" is {}", addresses.join(" "))
        }
        Some(_) => " was not found".to_owned(),
        None => String::new(),
    };
    if tick.asked == tick.name {
        format!("{}{found}", tick.name)
    } else {
        format!("{} (as {}){found}", tick.name, tick.asked)
    }
}

fn cost(lookup: &LookupRow) -> String {
    if lookup.sent == 0 {
        return "no query was needed".to_owned();
    }
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    format!(
        "{} for {}, {} unanswered, {}",
        counted(number(lookup.sent), "query", "queries"),
        counted(number(lookup.names.len()), "name", "names"),
        lookup.timeouts,
        format_micros(lookup.took_us)
    )
}

fn queries(lookup: &LookupRow, width: usize, out: &mut Vec<u8>) -> io::Result<()> {
    for query in &lookup.queries {
        let text = format!(
            "{} {} at {}: {} after {}",
            query.name,
            query.kind,
            query.server,
            query.result,
            format_micros(query.took_us)
        );
        sentence("    ", &text, width, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::output::tests::text_of;
    use netperf_core::fixtures::dns::troubled;

    fn shown(width: usize) -> String {
        text_of(&DnsTick::new(&troubled()), Some(width))
    }

    #[test]
    fn resolvers_in_160_columns() {
        insta::assert_snapshot!(shown(160));
    }

    #[test]
    fn resolvers_in_80_columns() {
        let shown = shown(80);
        assert!(
            shown
                .lines()
                .all(|line| netperf_core::text::width(line) <= 80),
            "{shown}"
        );
        insta::assert_snapshot!(shown);
    }
}
