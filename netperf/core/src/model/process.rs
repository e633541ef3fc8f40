//! What did each process move? Kept while it lives, and for the tick in which it ended.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::history::History;
use super::tick::Span;
use super::traffic::Traffic;
use crate::sample::{Process, ProcessId, ProcessReading};

/// How far back a process's history goes.
const HISTORY: Duration = Duration::from_mins(1);

/// What one process moved.
#[derive(Clone, Debug)]
pub struct ProcessTraffic {
    /// The process.
    pub process: Arc<Process>,
    /// Since the tracer started.
    pub total: Traffic,
    /// In this tick; `None` where a counter went back.
    pub moved: Option<Traffic>,
    /// Segments retransmitted since the tracer started.
    pub total_retrans: u64,
    /// Segments retransmitted in this tick; `None` where the counter went back.
    pub retrans: Option<u64>,
    /// False once the process has ended.
    pub alive: bool,
    /// The last minute.
    pub history: History,
    last: bool,
    listed: bool,
}

/// Every process that moved bytes and lives, or ended in this tick.
#[derive(Clone, Debug, Default)]
pub struct Processes {
    known: HashMap<ProcessId, ProcessTraffic>,
    listed: Vec<ProcessId>,
    total: Traffic,
    moved: Traffic,
}

impl Processes {
    /// One process, if it is known.
    pub fn get(&self, id: ProcessId) -> Option<&ProcessTraffic> {
        self.known.get(&id)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &ProcessTraffic> {
        self.known.values()
    }

    /// Those that changed in this tick, in no order.
    pub fn changed(&self) -> impl Iterator<Item = &ProcessTraffic> {
        self.listed.iter().filter_map(|id| self.known.get(id))
    }

    /// Everything that all processes moved since the tracer started, ended ones included.
    pub fn total(&self) -> Traffic {
        self.total
    }

    /// Everything that all processes moved in this tick.
    pub fn moved(&self) -> Traffic {
        self.moved
    }

    /// Forgets what was only true of the tick before.
    pub(super) fn begin_tick(&mut self) {
        for id in self.listed.drain(..) {
            let Some(entry) = self.known.get_mut(&id) else {
                continue;
            };
            if entry.last {
                self.known.remove(&id);
            } else {
                entry.moved = Some(Traffic::default());
                entry.retrans = Some(0);
                entry.listed = false;
            }
        }
        self.moved = Traffic::default();
    }

    /// Takes in one reading. A process read twice in a tick adds up. One that was shown to have ended
    /// and moved no more is no more.
    pub(super) fn apply(&mut self, reading: &ProcessReading, span: Span) {
        let id = reading.process.id;
        if reading.last
            && self
                .known
                .get(&id)
                .is_some_and(|entry| entry.is_done(reading))
        {
            self.known.remove(&id);
            return;
        }
        let entry = self
            .known
            .entry(id)
            .or_insert_with(|| ProcessTraffic::new(&reading.process));
        let moved = entry.update(reading, span);
        if !entry.listed {
            entry.listed = true;
            self.listed.push(id);
        }
        self.moved += moved;
        self.total += moved;
    }
}

impl ProcessTraffic {
    fn new(process: &Arc<Process>) -> Self {
        Self {
            process: Arc::clone(process),
            total: Traffic::default(),
            moved: Some(Traffic::default()),
            total_retrans: 0,
            retrans: Some(0),
            alive: true,
            history: History::new(HISTORY),
            last: false,
            listed: false,
        }
    }

    /// Its end has been shown, and this reading adds nothing.
    fn is_done(&self, reading: &ProcessReading) -> bool {
        let total = Traffic {
            tx_bytes: reading.tx_bytes,
            rx_bytes: reading.rx_bytes,
        };
        !self.alive && !self.listed && (total, reading.retrans) == (self.total, self.total_retrans)
    }

    /// Returns what this reading added.
    fn update(&mut self, reading: &ProcessReading, span: Span) -> Traffic {
        let total = Traffic {
            tx_bytes: reading.tx_bytes,
            rx_bytes: reading.rx_bytes,
        };
        let added = total.since(self.total);
        let retrans = reading.retrans.checked_sub(self.total_retrans);
        self.moved = self.moved.zip(added).map(|(mut moved, added)| {
            moved += added;
            moved
        });
        self.retrans = self
            .retrans
            .zip(retrans)
            .map(|(known, added)| known.saturating_add(added));
        self.process = Arc::clone(&reading.process);
        self.total = total;
        self.total_retrans = reading.retrans;
        self.alive = reading.alive;
        self.last = reading.last;
        let added = added.unwrap_or_default();
        self.history.push(span.from, span.until, added);
        added
    }
}
