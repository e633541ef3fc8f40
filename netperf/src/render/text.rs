//! How does a person read a session line by line? Aligned tables, one block a tick, no escape codes.

use std::io::{self, Write};
use std::rc::Rc;

use netperf_core::host_names::HostNames;
use netperf_core::model::Model;
use netperf_core::sample::Loss;
use netperf_core::sample::event::ConnectionEvent;
use netperf_core::text::visible;
use netperf_core::units::{LinkSpeed, Percent, Units, format_seconds};

use super::cell::rate;
use super::stream::Format;
use super::{churn, latency, retrans, text_table};
use crate::view::View;
use crate::view::churn::ChurnTick;
use crate::view::envelope::{End, Start};
use crate::view::event_row::EventRow;
use crate::view::flows::FlowsTick;
use crate::view::flows_table;
use crate::view::latency::LatencyTick;
use crate::view::link_row::LinkRow;
use crate::view::retrans::RetransTick;
use crate::view::table::Table;
use crate::view::tick::{Health, When};
use crate::view::top::{Top, TotalRow};
use crate::view::top_table::{self, TopLook};

/// Widest line: lines are for reading, and files have no edge.
pub(super) const LINE: usize = 200;

/// Batch text.
pub struct Text {
    view: View,
    names: Rc<dyn HostNames>,
    units: Units,
    host: String,
    /// The loss that was shown last, where it is shown only when it grows.
    loss_shown: Loss,
}

impl Text {
    /// Writes what `view` shows.
    pub fn new(view: View, names: Rc<dyn HostNames>, units: Units) -> Self {
        Self {
            view,
            names,
            units,
            host: String::new(),
            loss_shown: Loss::default(),
        }
    }

    fn top(&self, top: &Top<'_>, look: TopLook, out: &mut Vec<u8>) -> io::Result<()> {
        self.header(top.when, top.total, &top.health, out)?;
        self.links(&top.interfaces, out)?;
        if top.processes.is_empty() {
            return writeln!(out, "no process moved any bytes in this tick\n");
        }
        self.table(&top_table::table(&top.processes, look), out)
    }

    fn flows(&self, tick: &FlowsTick<'_>, view: &View, out: &mut Vec<u8>) -> io::Result<()> {
        self.header(tick.when, tick.total, &tick.health, out)?;
        self.links(&tick.interfaces, out)?;
        let View::Flows(options) = view else {
            return Ok(());
        };
        if tick.flows.is_empty() {
            return writeln!(
                out,
                "no connection moved any bytes in the last 40 seconds\n"
            );
        }
        match &tick.remotes {
            Some(remotes) => self.table(&flows_table::by_remote_table(remotes, options.sort), out),
            None => self.table(&flows_table::table(&tick.flows, options.sort), out),
        }
    }

    fn header(
        &self,
        when: When,
        total: TotalRow,
        health: &Health<'_>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let interval = interval(when);
        writeln!(
            out,
            "{}  {}  tick {interval}  sent {}  received {}  {}",
            when.time.to_seconds(),
            visible(&self.host),
            rate(total.tx_bytes_per_s, self.units),
            rate(total.rx_bytes_per_s, self.units),
            health.loss_text(),
        )?;
        degraded(health, out)
    }

    fn links(&self, links: &[LinkRow<'_>], out: &mut Vec<u8>) -> io::Result<()> {
        let busy = links.iter().filter(|link| link.speed() > 0);
        let shown: Vec<String> = busy.map(|link| link_text(link, self.units)).collect();
        if shown.is_empty() {
            Ok(())
        } else {
            writeln!(out, "{}", shown.join("; "))
        }
    }

    fn table(&self, table: &Table<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        for line in text_table::lines(table, self.units, LINE) {
            writeln!(out, "{line}")?;
        }
        writeln!(out)
    }
}

impl Format for Text {
    fn start(&mut self, start: &Start, out: &mut Vec<u8>) -> io::Result<()> {
        self.host.clone_from(&start.host);
        let hooks = start.attachments().join(" ");
        writeln!(
            out,
            "netperf-trace {} on {}",
            start.version,
            visible(&start.host)
        )?;
        writeln!(
            out,
            "kernel {}, hooks: {}",
            visible(&start.kernel),
            visible(&hooks)
        )?;
        for missing in &start.unavailable {
            writeln!(
                out,
                "unavailable: {}: {}",
                visible(&missing.what),
                visible(&missing.why)
            )?;
        }
        writeln!(out)
    }

    fn tick(&mut self, model: &Model, out: &mut Vec<u8>) -> io::Result<()> {
        let names = self.names.as_ref();
        match &self.view {
            View::Top(options) => {
                let look = TopLook {
                    sort: options.sort,
                    ..TopLook::default()
                };
                self.top(&Top::new(model, options, names), look, out)
            }
            View::Flows(options) => {
                self.flows(&FlowsTick::new(model, options, names), &self.view, out)
            }
            View::Retrans(options) if options.watch => {
                let health = Health::of(model);
                if health.loss != self.loss_shown {
                    self.loss_shown = health.loss;
                    writeln!(out, "{}", health.loss_text())?;
                }
                Ok(())
            }
            View::Retrans(options) => {
                let tick = RetransTick::new(model, options, names);
                retrans::tick(&tick, options, (&self.host, self.units), out)
            }
            View::Latency(options) => {
                let tick = LatencyTick::new(model, options, names);
                latency::tick(&tick, options, (&self.host, self.units), out)
            }
            View::Churn(options) => churn::tick(&ChurnTick::new(model, options), self.units, out),
        }
    }

    fn takes(&self, event: &ConnectionEvent, model: &Model) -> bool {
        self.view.takes(event, model)
    }

    fn happened(&mut self, events: &[ConnectionEvent], out: &mut Vec<u8>) -> io::Result<()> {
        for one in events {
            match EventRow::of(one) {
                EventRow::Retransmit(row) => writeln!(out, "{}", retrans::event(&row))?,
                EventRow::Transition(row) => writeln!(out, "{}", churn::event(&row))?,
            }
        }
        Ok(())
    }

    fn end(&mut self, _: &End, _: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }
}

/// The measured length of a tick.
pub(super) fn interval(when: When) -> String {
    when.interval_s.map_or("-".to_owned(), format_seconds)
}

/// Sources that could not be read.
pub(super) fn degraded(health: &Health<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    for source in health.degraded {
        writeln!(out, "not read in this tick: {}", visible(source))?;
    }
    Ok(())
}

/// One interface: `eth0 sent 1.20 MB/s, received 3.40 MB/s, 3.7 % of 1 Gbit/s`.
fn link_text(link: &LinkRow<'_>, units: Units) -> String {
    let [sent, received] = [link.tx_bytes_per_s, link.rx_bytes_per_s].map(|it| rate(it, units));
    let text = format!("{} sent {sent}, received {received}", visible(link.name));
    if let (Some(share), Some(mbit)) = (link.utilisation, link.speed_mbit) {
        return format!("{text}, {} of {}", Percent::of(share), LinkSpeed(mbit));
    }
    text
}
