//! Writes records into the ring buffer for user space, and counts what found no room.

use aya_ebpf::helpers::generated::bpf_ringbuf_output;
use netperf_common::event::{ACTIVE, CLOSED, OWNED, SlotEvent};
use netperf_ebpf::atomic;

use crate::{
    maps::{EVENTS, LOSS},
    undecided::{self, Missing},
};

/// `BPF_RB_NO_WAKEUP`: user space reads on its own clock, so that a send never wakes anybody.
const NO_WAKEUP: u64 = 1;

/// What can go missing.
#[derive(Clone, Copy)]
pub(crate) enum Lost {
    /// No slot, or no memory for a socket's state.
    MapFull,
    /// A read from a socket whose position was not known.
    Unread,
}

/// Counts a loss.
#[inline(always)]
pub(crate) fn lost(what: Lost) {
    let loss = LOSS.as_ptr();
    // SAFETY: addresses within a static.
    let (counter, missing) = unsafe {
        match what {
            Lost::MapFull => (&raw mut (*loss).map_full, Missing::Room),
            Lost::Unread => (&raw mut (*loss).unread, Missing::Position),
        }
    };
    atomic::add(counter, 1);
    undecided::by_process(missing);
}

/// The slot was active for the first time in this tick.
#[inline(always)]
pub(crate) fn active(slot: u32, socket: u64) {
    record(&SlotEvent {
        kind: ACTIVE,
        slot,
        socket,
    });
}

/// The slot is one of several of a socket that more than one process uses.
#[inline(always)]
pub(crate) fn owned(slot: u32, socket: u64) {
    record(&SlotEvent {
        kind: OWNED,
        slot,
        socket,
    });
}

/// The socket ended; the slot's totals are final.
#[inline(always)]
pub(crate) fn closed(slot: u32, socket: u64) {
    record(&SlotEvent {
        kind: CLOSED,
        slot,
        socket,
    });
}

/// Puts a record into the ring buffer, or counts that it found no room.
#[inline(always)]
pub(crate) fn record<T>(record: &T) {
    // SAFETY: an address within a static.
    atomic::add(unsafe { &raw mut (*LOSS.as_ptr()).records }, 1);
    let ring = (&raw const EVENTS).cast_mut().cast();
    let source = core::ptr::from_ref(record).cast_mut().cast();
    // SAFETY: a map, and a record on the stack of the size given.
    let status = unsafe { bpf_ringbuf_output(ring, source, size_of::<T>() as u64, NO_WAKEUP) };
    if status != 0 {
        // SAFETY: an address within a static.
        atomic::add(unsafe { &raw mut (*LOSS.as_ptr()).ring_lost }, 1);
    }
}
