//! `path` as text or JSON: hops, figures and findings.

mod lines;

use std::io::{self, Write};

pub(super) use self::lines::{destination, heading};
use netperf_core::text::visible;
use netperf_core::units::Units;

use super::output::{AGAIN, Report, Style};
use super::prose::{LINE, finding};
use super::text_table;
use crate::view::path::{PathTick, table};

impl Report for PathTick<'_> {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        text(self, style.width.unwrap_or(LINE), out)
    }
}

/// The progress of a report, for the status line on stderr.
pub fn progress(cycle: u64, cycles: u64) -> String {
    format!("{AGAIN}cycle {cycle} of {cycles}")
}

fn text(tick: &PathTick<'_>, width: usize, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(out, "{}\n", visible(&heading(tick)))?;
    if !tick.hops.is_empty() {
        for line in text_table::lines(&table::hops(&tick.hops), Units::Auto, width) {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
    }
    for line in destination(tick) {
        writeln!(out, "{}", visible(&line))?;
    }
    writeln!(out, "\nFINDINGS")?;
    for found in &tick.findings {
        finding(found, true, width, out)?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests;
