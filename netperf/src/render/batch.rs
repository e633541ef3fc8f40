//! `top` and `flows` as text: aligned tables, one block a tick, no escape codes.

use std::io::{self, Write};

use netperf_core::text::visible;
use netperf_core::units::{LinkSpeed, Percent, Units};
use serde::Serialize;

use super::cell::rate;
use super::output::{Report, Style};
use super::prose::{LINE, degraded, interval, no_match};
use super::text_table;
use crate::view::envelope::Start;
use crate::view::flows::FlowsTick;
use crate::view::flows_table;
use crate::view::link_row::LinkRow;
use crate::view::sort::Sort;
use crate::view::table::Table;
use crate::view::tick::{Health, When};
use crate::view::top::{Top, TotalRow};
use crate::view::top_table::{self, TopLook};

/// Text before the first tick: the hooks in use, and what can't be seen.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Banner<'s>(pub &'s Start);

impl Report for Banner<'_> {
    fn text(&self, _: Style, out: &mut Vec<u8>) -> io::Result<()> {
        let start = self.0;
        let (host, kernel) = (visible(&start.host), visible(&start.kernel));
        writeln!(out, "netperf-trace {} on {host}", start.version)?;
        let hooks = start.attachments().join(" ");
        writeln!(out, "kernel {kernel}, hooks: {}", visible(&hooks))?;
        for missing in &start.unavailable {
            let (what, why) = (visible(&missing.what), visible(&missing.why));
            writeln!(out, "unavailable: {what}: {why}")?;
        }
        writeln!(out)
    }
}

/// One tick on a host.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct OnHost<'t, T> {
    /// The tick to write.
    pub tick: &'t T,
    /// The order of its rows.
    #[serde(skip)]
    pub sort: Sort,
    /// Name of the host. Untrusted text.
    #[serde(skip)]
    pub host: &'t str,
}

impl Report for OnHost<'_, Top<'_>> {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        let top = self.tick;
        header((top.when, self.host), top.total, &top.health, style, out)?;
        links(&top.interfaces, style.units, out)?;
        if let Some(all) = top.without_filter {
            no_match("process that moved bytes", all, style.units, out)?;
            return writeln!(out);
        }
        if top.processes.is_empty() {
            return writeln!(out, "no process moved any bytes in this tick\n");
        }
        let look = TopLook {
            sort: self.sort,
            ..TopLook::default()
        };
        table(&top_table::table(&top.processes, look), style.units, out)
    }
}

impl Report for OnHost<'_, FlowsTick<'_>> {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        let tick = self.tick;
        header((tick.when, self.host), tick.total, &tick.health, style, out)?;
        links(&tick.interfaces, style.units, out)?;
        if let Some(all) = tick.without_filter {
            no_match("connection", all, style.units, out)?;
            return writeln!(out);
        }
        if tick.flows.is_empty() {
            return writeln!(
                out,
                "no connection moved any bytes in the last 40 seconds\n"
            );
        }
        let shown = match &tick.remotes {
            Some(remotes) => flows_table::by_remote_table(remotes, self.sort),
            None => flows_table::table(&tick.flows, self.sort),
        };
        table(&shown, style.units, out)
    }
}

fn header(
    (when, host): (When, &str),
    total: TotalRow,
    health: &Health<'_>,
    style: Style,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let interval = interval(when);
    writeln!(
        out,
        "{}  {}  tick {interval}  sent {}  received {}  {}",
        when.time.to_seconds(),
        visible(host),
        rate(total.tx_bytes_per_s, style.units),
        rate(total.rx_bytes_per_s, style.units),
        health.loss_text(),
    )?;
    degraded(health, out)
}

fn links(links: &[LinkRow<'_>], units: Units, out: &mut Vec<u8>) -> io::Result<()> {
    let busy = links.iter().filter(|link| link.speed() > 0);
    let shown: Vec<String> = busy.map(|link| link_text(link, units)).collect();
    if shown.is_empty() {
        Ok(())
    } else {
        writeln!(out, "{}", shown.join("; "))
    }
}

fn table(table: &Table<'_>, units: Units, out: &mut Vec<u8>) -> io::Result<()> {
    for line in text_table::lines(table, units, LINE) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)
}

/// Text of an interface: `eth0 sent 1.20 MB/s, received 3.40 MB/s, 3.7 % of 1 Gbit/s`.
fn link_text(link: &LinkRow<'_>, units: Units) -> String {
    let [sent, received] = [link.tx_bytes_per_s, link.rx_bytes_per_s].map(|it| rate(it, units));
    let text = format!("{} sent {sent}, received {received}", visible(link.name));
    if let (Some(share), Some(mbit)) = (link.utilisation, link.speed_mbit) {
        return format!("{text}, {} of {}", Percent::of(share), LinkSpeed(mbit));
    }
    text
}
