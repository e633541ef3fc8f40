//! The counters of a session: reads slots and records of the kernel side, and keeps the books.

use anyhow::Context as _;
use aya::maps::{MapData, RingBuf};
use netperf_common::flow::{FlowKey, Slot};
use netperf_common::kernel::{LossCounters, PairKey};
use netperf_core::collect::Provenance;
use netperf_core::sample::Loss;

use super::drops::{Dropped, Drops};
use super::error::OpenError;
use super::events::{KernelEvent, KernelEventKind, Record};
use super::latencies::{Grown, Latencies};
use super::ledger::Ledger;
use super::missed::missed;
use super::open::{Opened, open};
use super::request::Request;
use super::starts::Starts;

/// Records that are taken at a time. Where they come as fast as they are taken, slots must be given back
/// in between.
pub const AT_ONCE: usize = 1 << 14;

/// The kernel side, attached, with everything that was read from it.
pub struct Counters {
    kernel: Opened,
    ring: RingBuf<MapData>,
    ledger: Ledger,
    /// Slots that were active since the last tick.
    active: Vec<u32>,
    /// How many of them were looked at already: they are looked at once more at the end of the tick.
    looked_at: usize,
    tick: u64,
    /// What was lost before the look at open sockets was done: counting had not begun.
    lost_before: LossCounters,
    /// What was lost until this tick began.
    lost: LossCounters,
    /// Lost records that a sweep has made up for.
    ring_lost: u64,
    /// Records that were taken out of the ring buffer.
    taken: u64,
    /// Calls at which the kernel did not run a program that counts, and those before the start.
    missed: u64,
    missed_before: u64,
    /// Nothing counts any more.
    detached: bool,
    /// What happened since it was last taken.
    events: Vec<KernelEvent>,
    drops: Drops,
    latencies: Latencies,
    /// Where the kernel side can't say when a process started.
    starts: Starts,
}

impl Counters {
    /// Starts counting.
    ///
    /// # Errors
    /// If this kernel can't count, with everything that was tried.
    pub fn open(request: &Request<'_>) -> Result<Self, OpenError> {
        let kernel = open(request)?;
        let starts = Starts::new(request.procfs.clone());
        Self::read_from(kernel, starts).map_err(OpenError::Load)
    }

    fn read_from(mut kernel: Opened, starts: Starts) -> anyhow::Result<Self> {
        let missed_before = missed(&kernel.ebpf, &kernel.set);
        let mut drop_numbers = std::mem::take(&mut kernel.drop_numbers);
        let mut take = |name: &str| {
            kernel
                .ebpf
                .take_map(name)
                .with_context(|| format!("the object has no `{name}`"))
        };
        let (ring, drops, latencies) = (take("EVENTS")?, take("DROPS")?, take("LATENCIES")?);
        let tick = 1;
        kernel.begin_log_tick();
        let lost_before = kernel.control.sync(&mut kernel.ebpf, tick)?;
        Ok(Self {
            ring: ring.try_into()?,
            ledger: Ledger::default(),
            active: Vec::new(),
            looked_at: 0,
            tick,
            ring_lost: 0,
            taken: 0,
            missed: missed_before,
            missed_before,
            detached: false,
            lost_before,
            lost: lost_before,
            events: Vec::new(),
            drops: Drops::new(drops.try_into()?, std::mem::take(&mut drop_numbers)),
            latencies: Latencies::new(latencies.try_into()?),
            starts,
            kernel,
        })
    }

    /// Which hooks count.
    pub fn provenance(&self) -> &Provenance {
        &self.kernel.provenance
    }

    /// The books.
    pub fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Takes records out of the ring buffer, as far as they are complete, but no more than
    /// [`AT_ONCE`]. Returns how many there were.
    ///
    /// # Errors
    /// If the kernel refuses to take a slot back.
    pub fn pump(&mut self) -> anyhow::Result<usize> {
        self.recycle()?;
        self.kernel.log.flush();
        let mut count = 0_usize;
        while count < AT_ONCE
            && let Some(event) = self.ring.next().map(|record| Record::decode(&record))
        {
            count += 1;
            match event {
                Some(Record::Active { slot }) => self.active.push(slot),
                Some(Record::Owned { slot, socket }) => self.ledger.share(slot, socket),
                Some(Record::Closed { slot, socket }) => self.close(slot, socket),
                Some(Record::Connection { slot, event }) => self.note(slot, event),
                None => log::debug!("a record of an unknown kind"),
            }
        }
        self.taken += count as u64;
        Ok(count)
    }

    /// Finds out whose connection it happened to, while the slot is still that connection's.
    fn note(&mut self, index: u32, mut event: KernelEvent) {
        let slot = self.kernel.slots.read(index);
        if let Some(slot) = slot.filter(|slot| slot.socket == event.socket) {
            self.look_at(index);
            event.owner = Some(slot.owner);
            if let KernelEventKind::Retransmit { kind, cwnd, .. } = event.what {
                self.ledger.note_retransmission(index, kind, cwnd);
            }
        } else {
            // Nobody has used a connection that was just accepted: it is its listener's so far.
            let FlowKey {
                netns,
                protocol,
                local_port,
                ..
            } = event.key;
            let holder = |ledger: &Ledger| ledger.holders().of(netns, protocol, local_port);
            if holder(&self.ledger).is_none() {
                self.look_at_active();
            }
            let holder = holder(&self.ledger);
            let tally = holder.and_then(|holder| self.ledger.tally(holder));
            event.owner = tally.map(|tally| tally.owner);
        }
        self.events.push(event);
    }

    /// Takes in the slots that have become active, before the end of the tick.
    fn look_at_active(&mut self) {
        let active = std::mem::take(&mut self.active);
        for &index in active.iter().skip(self.looked_at) {
            self.look_at(index);
        }
        self.looked_at = active.len();
        self.active = active;
    }

    /// What happened since the last call, in order.
    pub fn drain_events(&mut self) -> Vec<KernelEvent> {
        std::mem::take(&mut self.events)
    }

    /// What the kernel threw away since the last call.
    ///
    /// # Errors
    /// If the kernel refuses to be read.
    pub fn take_dropped(&mut self) -> anyhow::Result<Vec<Dropped>> {
        self.drops.take()
    }

    /// How long things took since the last call.
    ///
    /// # Errors
    /// If the kernel refuses to be read.
    pub fn take_latencies(&mut self) -> anyhow::Result<Vec<Grown>> {
        self.latencies.take()
    }

    /// Ends a tick: after this, the books hold everything counted before the call.
    ///
    /// # Errors
    /// If the kernel refuses to be read.
    pub fn end_tick(&mut self) -> anyhow::Result<()> {
        self.tick += 1;
        self.kernel.begin_log_tick();
        self.sync()?;
        let told = self.lost;
        let expected = told.records - told.ring_lost;
        while self.pump()? == AT_ONCE && self.taken < expected {}
        self.look_for_missed();
        let is_complete = told.ring_lost == self.ring_lost && expected <= self.taken;
        if self.detached || !is_complete {
            self.ring_lost = told.ring_lost;
            self.sweep();
        }
        self.looked_at = 0;
        for index in std::mem::take(&mut self.active) {
            self.look_at(index);
        }
        Ok(())
    }

    /// Stops counting; what was counted stays readable.
    pub fn detach(&mut self) {
        self.look_for_missed();
        self.detached = true;
        self.kernel.detach();
    }

    /// Programs that are gone say nothing any more.
    fn look_for_missed(&mut self) {
        if !self.detached {
            self.missed = missed(&self.kernel.ebpf, &self.kernel.set);
        }
    }

    /// What could not be delivered from the start to the last tick's end.
    pub fn loss(&self) -> Loss {
        let (lost, before) = (self.lost, self.lost_before);
        Loss {
            ring_lost: lost.ring_lost - before.ring_lost,
            map_full: lost.map_full - before.map_full,
            unread: lost.unread - before.unread + self.missed - self.missed_before,
        }
    }

    /// Tells the kernel side the tick, and what user space has done with.
    fn sync(&mut self) -> anyhow::Result<()> {
        self.lost = self.kernel.control.sync(&mut self.kernel.ebpf, self.tick)?;
        Ok(())
    }

    /// Takes in a slot, unless a hook is still describing it.
    fn look_at(&mut self, index: u32) -> Option<Slot> {
        let mut slot = self.kernel.slots.read(index)?;
        if slot.tick == 0 && slot.closed == 0 {
            return None;
        }
        self.starts
            .complete(&mut slot.owner, self.ledger.start_of(index));
        self.ledger.absorb(index, &slot);
        Some(slot)
    }

    /// A socket ended: takes the final totals of all its slots.
    fn close(&mut self, current: u32, socket: u64) {
        for index in self.ledger.slots_of(socket, current) {
            let slot = self.look_at(index).filter(|slot| slot.socket == socket);
            if let Some(slot) = slot
                && self.ledger.close(index)
            {
                self.kernel.slots.retire(index);
                self.unshare(&slot);
            }
        }
    }

    /// Removes a slot's entry from the kernel's table of shared sockets, where it has one.
    fn unshare(&mut self, slot: &Slot) {
        if self.ledger.is_shared(slot.socket) {
            self.kernel.control.unshare(PairKey {
                socket: slot.socket,
                host_tgid: slot.owner.host_tgid,
                reserved: 0,
            });
        }
    }

    /// Gives slots back that were retired at the last call, with a last look at stragglers.
    fn recycle(&mut self) -> anyhow::Result<()> {
        for index in self.kernel.slots.take_retired() {
            self.look_at(index);
            self.ledger.forget(index);
            self.kernel.slots.clear(index);
            self.kernel.control.free(index);
        }
        if self.kernel.control.has_slots() {
            self.sync()?;
        }
        Ok(())
    }

    /// Records were lost or are held up: looks at every slot instead.
    fn sweep(&mut self) {
        let in_use: Vec<u32> = self.kernel.slots.in_use().collect();
        let mut first_of = std::collections::HashMap::new();
        for index in in_use {
            let Some(slot) = self.look_at(index) else {
                continue;
            };
            if let Some(first) = first_of.insert(slot.socket, index) {
                self.ledger.share(first, slot.socket);
                self.ledger.share(index, slot.socket);
            }
        }
        for (socket, index) in first_of {
            let slots = self.ledger.slots_of(socket, index);
            let ended = slots.iter().find(|&&slot| self.is_closed(slot, socket));
            if let Some(&ended) = ended {
                self.close(ended, socket);
            }
        }
    }

    fn is_closed(&self, index: u32, socket: u64) -> bool {
        self.kernel
            .slots
            .read(index)
            .is_some_and(|slot| slot.socket == socket && slot.closed != 0)
    }
}
