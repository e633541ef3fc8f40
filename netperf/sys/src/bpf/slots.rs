//! What do the kernel's counters say? The slots, as memory shared with the kernel side.
#![expect(unsafe_code, reason = "reads what the kernel side writes")]

use std::sync::atomic::{AtomicU64, Ordering, fence};

use anyhow::Context as _;
use aya::maps::Map;
use netperf_common::flow::Slot;

use super::mapped::Mapped;

/// Every slot.
pub(super) struct Slots {
    memory: Mapped<Slot>,
    /// Ended; not reused before the next call, as a hook may still be adding to them.
    retired: Vec<u32>,
}

impl Slots {
    /// Maps the array.
    ///
    /// # Errors
    /// If the kernel refuses the mapping.
    pub(super) fn open(slots: Map) -> anyhow::Result<Self> {
        Ok(Self {
            memory: Mapped::open(slots).context("cannot read the slots")?,
            retired: Vec::new(),
        })
    }

    /// How many there are, the unused first one included.
    pub(super) fn count(&self) -> u32 {
        self.memory.count()
    }

    /// A copy of a slot as it is now; `None` for an index that does not exist.
    pub(super) fn read(&self, index: u32) -> Option<Slot> {
        (index > 0 && index < self.count()).then(|| copy(self.memory.at(index)))
    }

    /// Gives a slot back whose totals have been taken.
    pub(super) fn retire(&mut self, index: u32) {
        self.retired.push(index);
    }

    /// Slots that were given back before, and may have received a straggler since.
    pub(super) fn take_retired(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.retired)
    }

    /// Empties a slot that is in nobody's hands.
    pub(super) fn clear(&mut self, index: u32) {
        // SAFETY: within the mapping.
        unsafe { self.memory.at(index).write_volatile(Slot::default()) };
    }

    /// Indices of all slots that hold a socket.
    pub(super) fn in_use(&self) -> impl Iterator<Item = u32> {
        (1..self.count()).filter(|&index| {
            let at = self.memory.at(index);
            // SAFETY: the address of a field within the mapping.
            load(unsafe { &raw mut (*at).socket }) != 0
        })
    }
}

/// A copy of the slot at an address within the mapping. What says that it is described is read before
/// the description: a hook that describes it meanwhile then leaves one that says it is not.
fn copy(at: *mut Slot) -> Slot {
    // SAFETY: the address of a field within the mapping.
    let tick = unsafe { &raw const (*at).tick };
    // SAFETY: as above.
    let closed = unsafe { &raw const (*at).closed };
    // SAFETY: a word that the kernel side writes.
    let tick = unsafe { tick.read_volatile() };
    // SAFETY: as above.
    let closed = unsafe { closed.read_volatile() };
    fence(Ordering::Acquire);
    // SAFETY: within the mapping; every bit pattern is a value, and a torn name is refreshed.
    let slot = unsafe { at.read_volatile() };
    Slot {
        tick,
        closed,
        // SAFETY: as above.
        tx_bytes: load(unsafe { &raw mut (*at).tx_bytes }),
        // SAFETY: as above.
        rx_bytes: load(unsafe { &raw mut (*at).rx_bytes }),
        ..slot
    }
}

/// Reads a word that the kernel side writes.
fn load(word: *mut u64) -> u64 {
    // SAFETY: callers give an aligned word within the mapping.
    unsafe { AtomicU64::from_ptr(word) }.load(Ordering::Acquire)
}
