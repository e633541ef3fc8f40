//! `nic` as text or JSON: tables with findings, redrawn in place on a terminal.

mod frame;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use super::output::{Report, Style};
use super::prose::{LINE, SENTENCE, finding, judged, sentence};
use super::{text_table, width};
use crate::view::nic::{NicTick, table};
use crate::view::table::Table;
use netperf_core::units::{counted, format_seconds};

/// Rows of a text table; JSON has all.
const ROWS_MAX: usize = 40;

impl Report for NicTick<'_> {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        tick(self, style, out)
    }

    fn draw(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        let mut text = Vec::new();
        self.text(style, &mut text)?;
        frame::write(&text, width::lines_of_stdout(), out);
        Ok(())
    }
}

fn tick(tick: &NicTick<'_>, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
    let width = style.width.unwrap_or(LINE);
    writeln!(out, "{}", summary(tick))?;
    below("", table::interfaces(&tick.figures.interfaces), style, out)?;
    writeln!(out, "\nFINDINGS")?;
    for found in &tick.findings {
        finding(found, true, width, out)?;
    }
    for exceeded in &tick.exceeded {
        judged("too much", exceeded, width.min(SENTENCE), out)?;
    }
    if let Some(why) = tick.users_unknown {
        let text = format!("not shown: which processes use the interfaces: {why}");
        sentence("", &text, width.min(SENTENCE), out)?;
    }
    below(
        "\nCOUNTERS that are not zero",
        table::counters(&tick.figures.interfaces),
        style,
        out,
    )?;
    for one in &tick.meanings {
        let text = format!("{}. First: {}", one.meaning, one.first_step);
        sentence(
            &format!("{:18}", one.counter),
            &text,
            width.min(SENTENCE),
            out,
        )?;
    }
    below(
        "\nQUEUES of what is to be sent",
        table::queues(&tick.figures.interfaces),
        style,
        out,
    )?;
    below(
        "\nDRIVERS' own counters",
        table::drivers(&tick.figures.interfaces),
        style,
        out,
    )?;
    below(
        "\nHARDWARE",
        table::hardware(&tick.figures.interfaces),
        style,
        out,
    )?;
    below(
        "\nPROCESSORS and what they take",
        table::processors(&tick.figures.softnet),
        style,
        out,
    )?;
    writeln!(out)
}

/// A table below its heading; nothing if it has no rows.
fn below(heading: &str, table: Table<'_>, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
    text_table::below(heading, table, ROWS_MAX, (style.units, style.width), out)
}

fn summary(tick: &NicTick<'_>) -> String {
    let count = |number: usize, one, many| counted(number as u64, one, many);
    let interfaces = count(tick.figures.interfaces.len(), "interface", "interfaces");
    let namespaces = count(tick.namespaces, "network namespace", "network namespaces");
    let time = tick.time.to_seconds();
    let interval = tick.figures.interval_s.map_or(String::new(), |seconds| {
        format!("  tick {}", format_seconds(seconds))
    });
    format!("{time}{interval}  {interfaces} in {namespaces}")
}
