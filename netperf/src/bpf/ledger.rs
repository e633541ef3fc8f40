//! Who has moved what since the start? Slots come and go; a process's totals stay.
//!
//! Pure: it is told what the slots hold and what happened to them.

use netperf_common::flow::{FlowKey, Owner, Slot};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::clock::MonoNs;
use crate::sample::losses::{Losses, RetransKind};
use crate::sample::{FlowId, ProcessId};

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
    /// Which.
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
    /// By network namespace, protocol and port: who has a socket there without a fixed other end.
    holders: FxHashMap<Place, ProcessId>,
    /// Places whose socket is closed; what happened there before may still be told.
    left: Vec<(Place, ProcessId)>,
}

/// A network namespace, a protocol and a port.
type Place = (u32, u16, u16);

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
        if let Some(place) = held_place(&slot.key) {
            self.holders.insert(place, pair.process);
        }
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

    /// The process whose socket without a fixed other end, as one that listens, has this port; in
    /// network namespace 0, which is none, that of any.
    pub fn holder_of(&self, netns: u32, protocol: u16, port: u16) -> Option<ProcessId> {
        if netns != 0 {
            return self.holders.get(&(netns, protocol, port)).copied();
        }
        let mut all = self.holders.iter();
        let found = all.find(|((_, other, held), _)| (*other, *held) == (protocol, port));
        found.map(|(_, process)| *process)
    }

    /// Forgets the places of closed sockets: all that happened there has been told.
    pub fn forget_left(&mut self) {
        for (place, process) in self.left.drain(..) {
            if self.holders.get(&place) == Some(&process) {
                self.holders.remove(&place);
            }
        }
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
        if let Some(place) = held_place(&pair.totals.key) {
            self.left.push((place, pair.process));
        }
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

/// Where a socket waits for whoever comes, if it does.
fn held_place(key: &FlowKey) -> Option<Place> {
    let waits = key.local_port != 0 && key.remote_port == 0;
    waits.then_some((key.netns, key.protocol, key.local_port))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(socket: u64, tgid: u32, tx_bytes: u64) -> Slot {
        let owner = Owner {
            host_tgid: tgid,
            tgid,
            start_ns: 1,
            ..Owner::default()
        };
        Slot {
            socket,
            tx_bytes,
            owner,
            ..Slot::default()
        }
    }

    fn tx_of(ledger: &Ledger, tgid: u32) -> Option<u64> {
        ledger
            .processes()
            .find(|(id, _)| id.tgid == tgid)
            .map(|(_, tally)| tally.tx_bytes)
    }

    #[test]
    fn totals_outlive_the_slot() {
        let mut ledger = Ledger::default();
        ledger.absorb(3, &slot(100, 7, 10));
        ledger.absorb(3, &slot(100, 7, 15));
        assert!(ledger.close(3));
        ledger.forget(3);
        ledger.absorb(3, &slot(200, 7, 4));
        assert_eq!(tx_of(&ledger, 7), Some(19));
    }

    #[test]
    fn a_slot_read_again_before_it_is_cleared_counts_once() {
        let mut ledger = Ledger::default();
        ledger.absorb(3, &slot(100, 7, 10));
        assert!(ledger.close(3));
        assert!(!ledger.close(3));
        ledger.absorb(3, &slot(100, 7, 12));
        ledger.forget(3);
        assert_eq!(tx_of(&ledger, 7), Some(12));
        assert_eq!(ledger.open_count(), 0);
    }

    #[test]
    fn a_free_slot_counts_nothing() {
        let mut ledger = Ledger::default();
        ledger.absorb(3, &Slot::default());
        assert_eq!(ledger.processes().count(), 0);
    }

    #[test]
    fn retransmissions_of_a_shared_socket_are_given_once() {
        let mut ledger = Ledger::default();
        let with_retrans = |tgid, retrans| Slot {
            retrans,
            ..slot(100, tgid, 1)
        };
        ledger.absorb(3, &with_retrans(7, 0));
        ledger.share(3, 100);
        ledger.share(4, 100);
        ledger.absorb(4, &with_retrans(8, 5));
        ledger.absorb(3, &with_retrans(7, 5));
        let total: u64 = ledger.processes().map(|(_, tally)| tally.retrans).sum();
        assert_eq!(total, 5);
    }

    #[test]
    fn retransmissions_before_the_tracer_are_not_the_process_s() {
        let mut ledger = Ledger::default();
        ledger.absorb(
            3,
            &Slot {
                retrans: 12,
                retrans_base: 10,
                ..slot(100, 7, 1)
            },
        );
        let (_, tally) = ledger.processes().next().unwrap();
        assert_eq!(tally.retrans, 2);
    }

    #[test]
    fn a_listeners_syn_acks_are_segments_that_it_sent_again() {
        let mut ledger = Ledger::default();
        ledger.keep_flows(true);
        let listener = |synacks| Slot {
            synacks,
            ..slot(100, 7, 0)
        };
        ledger.absorb(3, &listener(2));
        ledger.absorb(3, &listener(3));
        ledger.note_retransmission(3, RetransKind::Synack, 10);
        let flows = ledger.take_changed_flows();
        assert_eq!((flows[0].retransmitted, flows[0].retrans), (3, 0));
        assert_eq!(flows[0].losses.events.synack, 1);
        assert_eq!(ledger.take_changed()[0].1.retrans, 3);
    }

    #[test]
    fn a_port_has_a_holder_as_long_as_its_socket_is_open() {
        let mut ledger = Ledger::default();
        let mut listener = slot(100, 7, 0);
        listener.key = FlowKey {
            netns: 3,
            protocol: 6,
            local_port: 80,
            ..FlowKey::default()
        };
        ledger.absorb(3, &listener);
        let tgid = |ledger: &Ledger, netns| Some(ledger.holder_of(netns, 6, 80)?.tgid);
        assert_eq!((tgid(&ledger, 3), tgid(&ledger, 0)), (Some(7), Some(7)));
        assert_eq!(tgid(&ledger, 4), None);
        ledger.forget(3);
        assert_eq!(tgid(&ledger, 3), Some(7), "what is told late");
        ledger.forget_left();
        assert_eq!(tgid(&ledger, 3), None);
    }

    #[test]
    fn a_process_with_an_open_socket_is_not_dropped() {
        let mut ledger = Ledger::default();
        ledger.absorb(3, &slot(100, 7, 10));
        let (id, _) = ledger.processes().next().unwrap();
        assert!(!ledger.drop_process(id));
        ledger.close(3);
        ledger.forget(3);
        assert!(ledger.drop_process(id));
        assert_eq!(ledger.processes().count(), 0);
    }

    #[test]
    fn a_flow_counts_from_when_flows_were_asked_for() {
        let mut ledger = Ledger::default();
        ledger.absorb(3, &slot(100, 7, 10));
        assert!(ledger.take_changed_flows().is_empty());
        ledger.keep_flows(true);
        assert!(ledger.take_changed_flows().is_empty());
        ledger.absorb(3, &slot(100, 7, 15));
        assert_eq!(ledger.take_changed_flows()[0].tx_bytes, 5);
    }

    #[test]
    fn an_ended_flow_is_told_with_its_final_totals() {
        let mut ledger = Ledger::default();
        ledger.keep_flows(true);
        ledger.absorb(3, &slot(100, 7, 10));
        ledger.close(3);
        ledger.forget(3);
        let flows = ledger.take_changed_flows();
        assert_eq!(flows.len(), 1);
        assert!(flows[0].closed);
        assert_eq!(flows[0].tx_bytes, 10);
    }
}
