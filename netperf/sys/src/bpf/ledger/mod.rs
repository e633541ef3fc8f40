//! Who has moved what since the start? Slots come and go; a process's totals stay.
//!
//! Pure: it is told what the slots hold and what happened to them.

mod holders;
#[cfg(test)]
mod tests;

use netperf_common::flow::{FlowKey, Owner, Slot};
use netperf_core::clock::MonoNs;
use netperf_core::sample::losses::{Losses, RetransKind};
use netperf_core::sample::{FlowId, ProcessId};
use rustc_hash::{FxHashMap, FxHashSet};

use self::holders::Holders;

/// A process's totals since start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// As the kernel last described it.
    pub owner: Owner,
    /// Network namespace of the socket it last used.
    pub netns: u32,
    /// Payload handed to sockets.
    pub tx_bytes: u64,
    /// Payload taken from sockets.
    pub rx_bytes: u64,
    /// Segments that its sockets retransmitted.
    pub retrans: u64,
    /// Slots that it holds.
    pub slots: u32,
}

/// A flow's totals, as its slot has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowTotals {
    /// Socket and process.
    pub id: FlowId,
    /// Addresses.
    pub key: FlowKey,
    /// Payload handed to the socket.
    pub tx_bytes: u64,
    /// Payload taken from the socket.
    pub rx_bytes: u64,
    /// Segments retransmitted in the socket's life.
    pub retrans: u32,
    /// Segments retransmitted that count for this process, those of a listener's SYN-ACKs included.
    pub retransmitted: u64,
    /// SYN-ACKs that the listener sent again.
    pub synacks: u32,
    /// What the socket lost, where that is asked for.
    pub losses: Losses,
    /// Smoothed round-trip time; 0 if unknown.
    pub srtt_us: u32,
    /// As in `tcp_states.h`; 0 if none.
    pub state: u8,
    /// Nothing will be added any more.
    pub closed: bool,
}

/// What was last seen in a slot.
#[derive(Clone, Copy, Debug)]
struct Pair {
    process: ProcessId,
    totals: FlowTotals,
    /// Bytes sent and received before flows were asked for.
    before: (u64, u64),
}

impl Pair {
    fn flow(&self) -> FlowTotals {
        let (tx_bytes, rx_bytes) = self.before;
        FlowTotals {
            tx_bytes: self.totals.tx_bytes - tx_bytes,
            rx_bytes: self.totals.rx_bytes - rx_bytes,
            ..self.totals
        }
    }
}

/// Slots of a socket that several processes use.
#[derive(Clone, Debug, Default)]
struct Shared {
    slots: Vec<u32>,
    /// Retransmissions that were given to one of the processes: they belong to the socket.
    retrans_given: u32,
}

/// The books.
#[derive(Debug, Default)]
pub struct Ledger {
    tallies: FxHashMap<ProcessId, Tally>,
    pairs: FxHashMap<u32, Pair>,
    shared: FxHashMap<u64, Shared>,
    changed: FxHashSet<ProcessId>,
    changed_flows: FxHashSet<u32>,
    ended_flows: Vec<FlowTotals>,
    keep_flows: bool,
    holders: Holders,
}

impl Ledger {
    /// From now on, also says which flows changed. What a flow moved before does not count for it:
    /// a flow's totals are those since flows were asked for.
    pub fn keep_flows(&mut self, keep: bool) {
        if keep && !self.keep_flows {
            for pair in self.pairs.values_mut() {
                pair.before = (pair.totals.tx_bytes, pair.totals.rx_bytes);
            }
        }
        self.keep_flows = keep;
        if !keep {
            self.changed_flows.clear();
            self.ended_flows.clear();
        }
    }

    /// When the process of a slot started, as it was told first; `None` for a slot that is new.
    pub fn start_of(&self, index: u32) -> Option<MonoNs> {
        Some(self.pairs.get(&index)?.process.start)
    }

    /// Takes in what a slot holds now. Growth since the last look goes to its process.
    pub fn absorb(&mut self, index: u32, slot: &Slot) {
        if slot.socket == 0 {
            return;
        }
        let process = process_id(&slot.owner);
        let pair = self.pairs.entry(index).or_insert_with(|| {
            self.tallies.entry(process).or_default().slots += 1;
            Pair {
                process,
                totals: fresh(process, slot),
                before: (0, 0),
            }
        });
        let seen = pair.totals.retrans;
        let given = self
            .shared
            .get_mut(&slot.socket)
            .map(|shared| &mut shared.retrans_given);
        let retrans = match given {
            Some(given) => {
                let growth = slot.retrans.saturating_sub(seen.max(*given));
                *given = (*given).max(slot.retrans);
                growth
            }
            None => slot.retrans.saturating_sub(seen),
        };
        let synacks = slot.synacks.saturating_sub(pair.totals.synacks);
        let retrans = u64::from(retrans) + u64::from(synacks);
        self.holders.note(&slot.key, pair.process);
        let tx_bytes = slot.tx_bytes.saturating_sub(pair.totals.tx_bytes);
        let rx_bytes = slot.rx_bytes.saturating_sub(pair.totals.rx_bytes);
        let tally = self.tallies.entry(pair.process).or_default();
        tally.tx_bytes += tx_bytes;
        tally.rx_bytes += rx_bytes;
        tally.retrans += retrans;
        tally.owner = slot.owner;
        tally.netns = slot.key.netns;
        pair.totals = FlowTotals {
            key: slot.key,
            tx_bytes: slot.tx_bytes,
            rx_bytes: slot.rx_bytes,
            retrans: slot.retrans,
            retransmitted: pair.totals.retransmitted + retrans,
            synacks: slot.synacks,
            losses: Losses {
                sent_segments: slot.segs_out,
                ..pair.totals.losses
            },
            srtt_us: slot.srtt_us,
            state: slot.state,
            ..pair.totals
        };
        if tx_bytes > 0 || rx_bytes > 0 || retrans > 0 {
            self.changed.insert(pair.process);
            if self.keep_flows {
                self.changed_flows.insert(index);
            }
        }
    }

    /// Notes that TCP sent something again over the socket of a slot.
    pub fn note_retransmission(&mut self, index: u32, kind: RetransKind, cwnd: u32) {
        if let Some(pair) = self.pairs.get_mut(&index) {
            pair.totals.losses.events.add(kind);
            pair.totals.losses.cwnd = Some(cwnd);
            self.changed.insert(pair.process);
            if self.keep_flows {
                self.changed_flows.insert(index);
            }
        }
    }

    /// Who has a socket without a fixed other end at which port?
    pub fn holders(&self) -> &Holders {
        &self.holders
    }

    /// Forgets the places of closed sockets: all that happened there has been told.
    pub fn forget_left(&mut self) {
        self.holders.forget_left();
    }

    /// The process that a slot belongs to.
    pub fn process_of(&self, index: u32) -> Option<ProcessId> {
        Some(self.pairs.get(&index)?.process)
    }

    /// Notes that a slot is one of several of a socket.
    pub fn share(&mut self, index: u32, socket: u64) {
        let shared = self.shared.entry(socket).or_default();
        if !shared.slots.contains(&index) {
            shared.slots.push(index);
        }
        let given = self.pairs.get(&index).map_or(0, |pair| pair.totals.retrans);
        shared.retrans_given = shared.retrans_given.max(given);
    }

    /// All slots of a socket, of which `current` is one.
    pub fn slots_of(&self, socket: u64, current: u32) -> Vec<u32> {
        match self.shared.get(&socket) {
            Some(shared) if shared.slots.contains(&current) => shared.slots.clone(),
            Some(shared) => shared.slots.iter().copied().chain([current]).collect(),
            None => vec![current],
        }
    }

    /// Whether several processes use a socket.
    pub fn is_shared(&self, socket: u64) -> bool {
        self.shared.contains_key(&socket)
    }

    /// Marks a slot's socket as ended; false if it was already.
    pub fn close(&mut self, index: u32) -> bool {
        let Some(pair) = self.pairs.get_mut(&index) else {
            return false;
        };
        if self.keep_flows && !pair.totals.closed {
            self.changed_flows.insert(index);
        }
        !std::mem::replace(&mut pair.totals.closed, true)
    }

    /// Forgets a closed slot, which is about to be cleared.
    pub fn forget(&mut self, index: u32) {
        let Some(pair) = self.pairs.remove(&index) else {
            return;
        };
        self.shared.remove(&pair.totals.id.socket);
        self.holders.leave(&pair.totals.key, pair.process);
        if let Some(tally) = self.tallies.get_mut(&pair.process) {
            tally.slots = tally.slots.saturating_sub(1);
        }
        if self.changed_flows.remove(&index) {
            self.ended_flows.push(pair.flow());
        }
    }

    /// Processes whose totals changed since the last call.
    pub fn take_changed(&mut self) -> Vec<(ProcessId, Tally)> {
        let tallies = &self.tallies;
        self.changed
            .drain()
            .filter_map(|id| Some((id, *tallies.get(&id)?)))
            .collect()
    }

    /// Flows whose totals changed, or that ended, since the last call.
    pub fn take_changed_flows(&mut self) -> Vec<FlowTotals> {
        let pairs = &self.pairs;
        let live = self
            .changed_flows
            .drain()
            .filter_map(|index| Some(pairs.get(&index)?.flow()));
        self.ended_flows.drain(..).chain(live).collect()
    }

    /// Every process that is known.
    pub fn processes(&self) -> impl Iterator<Item = (ProcessId, &Tally)> {
        self.tallies.iter().map(|(id, tally)| (*id, tally))
    }

    /// Totals of one process.
    pub fn tally(&self, id: ProcessId) -> Option<Tally> {
        self.tallies.get(&id).copied()
    }

    /// Drops a process that has ended, once its last socket has too. False if it still has some.
    pub fn drop_process(&mut self, id: ProcessId) -> bool {
        let done = self.tallies.get(&id).is_none_or(|tally| tally.slots == 0);
        if done {
            self.tallies.remove(&id);
        }
        done
    }

    /// Slots that hold an open socket.
    pub fn open_count(&self) -> usize {
        self.pairs
            .values()
            .filter(|pair| !pair.totals.closed)
            .count()
    }
}

/// The process that a slot belongs to. A process outside the tracer's pid namespace keeps its number
/// in the initial one.
pub fn process_id(owner: &Owner) -> ProcessId {
    let tgid = if owner.tgid == 0 {
        owner.host_tgid
    } else {
        owner.tgid
    };
    ProcessId {
        tgid,
        start: MonoNs(owner.start_ns),
    }
}

fn fresh(process: ProcessId, slot: &Slot) -> FlowTotals {
    FlowTotals {
        id: FlowId {
            socket: slot.socket,
            process,
        },
        key: slot.key,
        tx_bytes: 0,
        rx_bytes: 0,
        retrans: slot.retrans_base,
        retransmitted: 0,
        synacks: 0,
        losses: Losses::default(),
        srtt_us: 0,
        state: 0,
        closed: false,
    }
}
