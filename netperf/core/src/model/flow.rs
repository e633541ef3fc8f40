//! What did each flow move, and how fast is it on average?
//!
//! A flow with traffic in the last 40 seconds is kept with its history; of an open flow that is
//! quiet for longer only the counters stay, so that a tick costs what is active and not what is
//! known.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::history::History;
use super::tick::Span;
use super::traffic::Traffic;
use crate::clock::MonoNs;
use crate::sample::losses::{Kinds, Losses};
use crate::sample::{FlowId, FlowReading};

/// The longest average, after which a quiet flow is no longer shown.
const WINDOW: Duration = Duration::from_secs(40);

/// How many ended flows stay until their averages have decayed: enough for people, and a bound
/// where thousands of connections end each second.
const ENDED_KEPT: usize = 1_000;

/// What one flow moved.
#[derive(Clone, Debug)]
pub struct FlowTraffic {
    /// The latest reading: who, where, state, and totals since the tracer started.
    pub reading: FlowReading,
    /// In this tick; `None` where a counter went back.
    pub moved: Option<Traffic>,
    /// Segments retransmitted in this tick; `None` where a counter went back, and for what is not TCP.
    pub retrans: Option<u32>,
    /// Losses in this tick: events, and segments sent; `None` where the view wants no losses.
    pub lost: Option<LostInTick>,
    /// The last 40 seconds.
    pub history: History,
    listed: bool,
}

/// The counters from which the next difference is taken.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    total: Traffic,
    retransmitted: u64,
    losses: Option<Losses>,
}

/// What a flow lost in a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LostInTick {
    /// How often it sent something again.
    pub events: Kinds,
    /// Segments that it sent, retransmissions and empty ones included.
    pub sent_segments: u32,
}

/// Every flow that a view may still show.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    active: HashMap<FlowId, FlowTraffic>,
    quiet: HashMap<FlowId, Counters>,
    listed: Vec<FlowId>,
    ended: VecDeque<FlowId>,
}

impl Flows {
    /// Flows with traffic in the last 40 seconds, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &FlowTraffic> {
        self.active.values()
    }

    /// How many flows are remembered, quiet ones included.
    pub fn len(&self) -> usize {
        self.active.len() + self.quiet.len()
    }

    /// No flow is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets what was only true of the tick before, and what is too old at `now`.
    pub(super) fn begin_tick(&mut self, now: MonoNs) {
        for id in self.listed.drain(..) {
            if let Some(flow) = self.active.get_mut(&id) {
                flow.begin_tick();
            }
        }
        while self.ended.len() > ENDED_KEPT {
            if let Some(id) = self.ended.pop_front() {
                self.active.remove(&id);
            }
        }
        let quiet = &mut self.quiet;
        self.active.retain(|id, flow| {
            let keep = !flow.history.is_quiet(now);
            if !keep && !flow.reading.closed {
                quiet.insert(*id, flow.counters());
            }
            keep
        });
        let active = &self.active;
        self.ended.retain(|id| active.contains_key(id));
        give_back(&mut self.active);
        give_back(&mut self.quiet);
    }

    /// Takes in one reading.
    pub(super) fn apply(&mut self, reading: &FlowReading, span: Span) {
        let earlier = self.quiet.remove(&reading.id);
        let flow = self
            .active
            .entry(reading.id)
            .or_insert_with(|| FlowTraffic::new(reading, earlier));
        let ends_now = reading.closed && !flow.reading.closed;
        flow.update(reading, span);
        if !flow.listed {
            flow.listed = true;
            self.listed.push(reading.id);
        }
        if ends_now {
            self.ended.push_back(reading.id);
        }
    }
}

/// Gives memory back after a peak.
fn give_back<V>(map: &mut HashMap<FlowId, V>) {
    if map.capacity() / 8 > map.len() {
        map.shrink_to(map.len() * 2);
    }
}

impl FlowTraffic {
    /// A flow that stood at `earlier` before, or that has just begun.
    fn new(first: &FlowReading, earlier: Option<Counters>) -> Self {
        let earlier = earlier.unwrap_or_default();
        let reading = FlowReading {
            tx_bytes: earlier.total.tx_bytes,
            rx_bytes: earlier.total.rx_bytes,
            retransmitted: earlier.retransmitted,
            losses: earlier.losses,
            closed: false,
            ..first.clone()
        };
        let moved = Some(Traffic::default());
        Self {
            reading,
            moved,
            retrans: first.retrans.map(|_| 0),
            lost: first.losses.map(|_| LostInTick::default()),
            history: History::new(WINDOW),
            listed: false,
        }
    }

    /// Since the tracer started.
    pub fn total(&self) -> Traffic {
        Traffic {
            tx_bytes: self.reading.tx_bytes,
            rx_bytes: self.reading.rx_bytes,
        }
    }

    fn counters(&self) -> Counters {
        Counters {
            total: self.total(),
            retransmitted: self.reading.retransmitted,
            losses: self.reading.losses,
        }
    }

    fn begin_tick(&mut self) {
        self.moved = Some(Traffic::default());
        self.retrans = self.reading.retrans.map(|_| 0);
        self.lost = self.reading.losses.map(|_| LostInTick::default());
        self.listed = false;
    }

    fn update(&mut self, reading: &FlowReading, span: Span) {
        let before = self.counters();
        self.reading.clone_from(reading);
        let added = self.total().since(before.total);
        self.moved = self.moved.zip(added).map(|(mut moved, added)| {
            moved += added;
            moved
        });
        let retrans = reading.retransmitted.checked_sub(before.retransmitted);
        let retrans = retrans.and_then(|added| u32::try_from(added).ok());
        self.retrans = self
            .retrans
            .zip(retrans)
            .map(|(known, added)| known.saturating_add(added));
        if let (Some(lost), Some(now)) = (&mut self.lost, reading.losses) {
            let then = before.losses.unwrap_or_default();
            lost.events += now.events.since(then.events);
            let sent = now.sent_segments.saturating_sub(then.sent_segments);
            lost.sent_segments = lost.sent_segments.saturating_add(sent);
        }
        self.history
            .push(span.from, span.until, added.unwrap_or_default());
    }
}
