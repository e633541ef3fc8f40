//! `latency` as text: a table for each tick, optionally with the histogram of each row below it.

use std::io::{self, Write};

use netperf_core::sample::latency::TimeSpan;
use netperf_core::text::visible;
use netperf_core::units::{Units, format_micros};

use serde::Serialize;

use super::output::{Report, Style};
use super::prose::{LINE, degraded, interval, no_match};
use super::text_table;
use crate::view::latency::LatencyTick;
use crate::view::latency::table::{doublings, table};

/// Length of the longest bar, in columns.
const BAR: u64 = 60;

/// One tick on a host.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Latencies<'t> {
    /// The tick to write.
    pub tick: &'t LatencyTick<'t>,
    /// Whether histograms are shown.
    #[serde(skip)]
    pub histogram: bool,
    /// Name of the host. Untrusted text.
    #[serde(skip)]
    pub host: &'t str,
}

impl Report for Latencies<'_> {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        tick(self, style.units, out)
    }
}

fn tick(
    &Latencies {
        tick,
        histogram,
        host,
    }: &Latencies<'_>,
    units: Units,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    writeln!(
        out,
        "{}  {}  tick {}  {}",
        tick.when.time.to_seconds(),
        visible(host),
        interval(tick.when),
        tick.health.loss_text(),
    )?;
    degraded(&tick.health, out)?;
    if let Some(all) = tick.without_filter {
        no_match("row", all, units, out)?;
        return writeln!(out);
    }
    if tick.latencies.is_empty() {
        writeln!(
            out,
            "no connection was opened or accepted in this tick, and nothing was answered"
        )?;
        return writeln!(out);
    }
    let lines = text_table::lines(&table(&tick.latencies), units, LINE);
    let mut lines = lines.iter();
    if let Some(heading) = lines.next() {
        writeln!(out, "{heading}")?;
    }
    for (line, row) in lines.zip(&tick.latencies) {
        writeln!(out, "{line}")?;
        if histogram {
            bars(&row.histogram, out)?;
        }
    }
    writeln!(out)
}

/// The bars of a histogram, one for each doubling of the time.
fn bars(spans: &[TimeSpan], out: &mut Vec<u8>) -> io::Result<()> {
    let doublings = doublings(spans);
    let most = doublings.iter().map(|span| span.count).max().unwrap_or(0);
    for span in doublings {
        let length = (u64::from(span.count) * BAR).div_ceil(u64::from(most.max(1)));
        let bar = "#".repeat(usize::try_from(length).unwrap_or(0));
        let (from, to) = (format_micros(span.from_us), format_micros(span.to_us));
        writeln!(out, "{from:>17} – {to:<8} {:>8}  {bar}", span.count)?;
    }
    Ok(())
}
