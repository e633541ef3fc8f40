//! Models: differences, rates and averages between readings. Pure, with time as an argument.
//!
//! The model does no input or output and asks no clock: the moment comes with each sample, so a
//! stored session gives the same answers as a live one.

pub mod churn;
pub mod dns;
pub mod dns_watch;
pub mod flow;
pub mod history;
pub mod http;
pub mod latency;
pub mod limit;
pub mod link;
pub mod lookups;
pub mod losses;
pub mod names;
pub mod nic;
pub mod path;
pub mod percentile;
pub mod pressure;
pub mod process;
pub mod query;
pub mod spread;
pub mod states;
pub mod tick;
pub mod traffic;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use self::churn::Churn;
use self::flow::Flows;
use self::link::LinkTraffic;
use self::process::Processes;
use self::tick::Span;
use crate::clock::{MonoNs, WallNs};
use crate::sample::event::ConnectionEvent;
use crate::sample::latency::LatencyReading;
use crate::sample::losses::{DropReading, ResetReading};
use crate::sample::{Loss, Sample, TracerCost};

/// The state of a session after its latest reading.
#[derive(Clone, Debug)]
pub struct Model {
    opened: MonoNs,
    span: Span,
    wall: WallNs,
    ticks: u64,
    processes: Processes,
    flows: Flows,
    links: Vec<LinkTraffic>,
    resets: Vec<ResetReading>,
    drops: Vec<DropReading>,
    latencies: Vec<LatencyReading>,
    churn: Churn,
    /// What is to be the churn of the tick that has not ended.
    next_churn: Churn,
    loss: Loss,
    slots_in_use: u64,
    tracer: TracerCost,
    tracer_cpu: Option<f64>,
    degraded: Vec<String>,
}

impl Model {
    /// Begins a session with the reading made right after the source was opened. It is the base of
    /// the first tick; what it counted already belongs to that tick.
    pub fn new(opening: &Sample) -> Self {
        let mut model = Self {
            opened: opening.at,
            span: Span {
                from: opening.at,
                until: opening.at,
            },
            wall: opening.wall,
            ticks: 0,
            processes: Processes::default(),
            flows: Flows::default(),
            links: Vec::new(),
            resets: Vec::new(),
            drops: Vec::new(),
            latencies: Vec::new(),
            churn: Churn::default(),
            next_churn: Churn::default(),
            loss: Loss::default(),
            slots_in_use: 0,
            tracer: opening.tracer,
            tracer_cpu: None,
            degraded: Vec::new(),
        };
        model.apply(opening);
        model
    }

    /// Ends a tick with this reading.
    pub fn advance(&mut self, sample: &Sample) {
        self.span = Span {
            from: self.span.until,
            until: sample.at,
        };
        self.wall = sample.wall;
        if self.ticks > 0 {
            self.processes.begin_tick();
            self.flows.begin_tick(sample.at);
        }
        self.ticks += 1;
        self.churn = std::mem::take(&mut self.next_churn);
        self.tracer_cpu = cpu_share(self.tracer.cpu, sample.tracer.cpu, self.span);
        self.apply(sample);
    }

    /// Takes in what happened before the tick ends.
    pub fn note<'h>(&mut self, events: impl IntoIterator<Item = &'h ConnectionEvent>) {
        for event in events {
            self.next_churn.add(event);
        }
    }

    fn apply(&mut self, sample: &Sample) {
        for reading in &sample.processes {
            self.processes.apply(reading, self.span);
        }
        for reading in &sample.flows {
            self.flows.apply(reading, self.span);
        }
        self.links = link::compare(&self.links, &sample.links, self.span);
        self.resets.clone_from(&sample.resets);
        self.drops.clone_from(&sample.drops);
        self.latencies.clone_from(&sample.latencies);
        self.loss = sample.loss;
        self.slots_in_use = sample.slots_in_use;
        self.tracer = sample.tracer;
        self.degraded.clone_from(&sample.degraded);
    }

    /// The moment of the latest reading.
    pub fn at(&self) -> MonoNs {
        self.span.until
    }

    /// The moment of the latest reading, for people.
    pub fn wall(&self) -> WallNs {
        self.wall
    }

    /// The latest tick.
    pub fn span(&self) -> Span {
        self.span
    }

    /// When the session began: no average reaches back further.
    pub fn opened(&self) -> MonoNs {
        self.opened
    }

    /// How many ticks have ended.
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// What the processes moved.
    pub fn processes(&self) -> &Processes {
        &self.processes
    }

    /// Traffic of the flows; empty where the view wants no flows.
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// What the interfaces moved.
    pub fn links(&self) -> &[LinkTraffic] {
        &self.links
    }

    /// The addresses of the interface called `name`.
    pub fn addresses_of(&self, name: &str) -> &[IpAddr] {
        let link = self.links.iter().find(|link| link.reading.name == name);
        link.map_or(&[], |link| &link.reading.addresses)
    }

    /// (socket, process) pairs that the kernel side holds counters for.
    pub fn slots_in_use(&self) -> u64 {
        self.slots_in_use
    }

    /// Resets in this tick; empty where the view wants no losses.
    pub fn resets(&self) -> &[ResetReading] {
        &self.resets
    }

    /// Packets that the kernel dropped in this tick; empty where the view wants no losses.
    pub fn drops(&self) -> &[DropReading] {
        &self.drops
    }

    /// How long things took in the latest tick.
    pub fn latencies(&self) -> &[LatencyReading] {
        &self.latencies
    }

    /// Transitions of the latest tick; empty where the view wants none.
    pub fn churn(&self) -> &Churn {
        &self.churn
    }

    /// What could not be delivered since the session began.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// What the tracer itself costs.
    pub fn tracer(&self) -> TracerCost {
        self.tracer
    }

    /// Share of one CPU that the tracer used in this tick.
    pub fn tracer_cpu(&self) -> Option<f64> {
        self.tracer_cpu
    }

    /// Sources that could not be read in this tick.
    pub fn degraded(&self) -> &[String] {
        &self.degraded
    }
}

fn cpu_share(before: Duration, now: Duration, span: Span) -> Option<f64> {
    Some(now.checked_sub(before)?.as_secs_f64() / span.length()?.as_secs_f64())
}
