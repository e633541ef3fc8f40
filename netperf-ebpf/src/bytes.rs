//! Counts the bytes that a process moved: the functions that every byte hook ends in.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use netperf_common::flow::Slot;
use netperf_ebpf::atomic;

use crate::{
    describe::Describe,
    emit::{self, Lost},
    maps::{SLOTS, TICK},
    owner, sock,
};

/// Flags of a call whose bytes stay in the socket, or come back from it as part of an error:
/// `MSG_PEEK | MSG_ERRQUEUE`.
pub(crate) const NOT_TAKEN: i32 = 0x2 | 0x2000;

/// A call that sends returned `bytes` (negative: an error).
#[inline(always)]
pub(crate) fn sent(sk: impl Describe, bytes: i32) {
    if bytes > 0 {
        account_call(sk, |slot| {
            atomic::add(&raw mut slot.tx_bytes, bytes.cast_unsigned().into());
        });
    }
}

/// A call that receives returned `bytes`, and did not peek. Plain TCP is left to [`taken`], which
/// also sees what no such call returns (splice).
#[inline(always)]
pub(crate) fn received(sk: impl Describe, bytes: i32) {
    if bytes <= 0 || sk.tcp().is_some_and(sock::has_no_ulp) {
        return;
    }
    account_call(sk, |slot| {
        atomic::add(&raw mut slot.rx_bytes, bytes.cast_unsigned().into());
    });
}

/// The receive position of a TCP socket moved: the growth is what was taken. `at_most` bounds it for
/// hooks that also know how much this one call took, and stands for the growth where the position
/// before is not known.
#[inline(always)]
pub(crate) fn taken(sk: impl Describe, at_most: Option<u32>) {
    let Some(tcp) = sk.tcp().filter(|tcp| sock::has_no_ulp(*tcp)) else {
        return;
    };
    let Some(state) = sk.state_or_new() else {
        return emit::lost(Lost::MapFull);
    };
    let (first, position) = (sock::first_seq(tcp), sock::taken_seq(sk, tcp));
    // SAFETY: a map value that the verifier proved; the socket's lock is held, so nobody else
    // writes here.
    let state_now = unsafe { &mut *state };
    let known = state_now.seq_known != 0;
    let is_another = known && state_now.first_seq != first;
    let seen = core::mem::replace(&mut state_now.seen_seq, position);
    state_now.first_seq = first;
    state_now.seq_known = 1;
    let since_first = position.wrapping_sub(first);
    let bytes = match (known, at_most) {
        // The socket has connected anew, and none of its reads was missed.
        (true, _) if is_another => since_first,
        (true, _) => position.wrapping_sub(seen),
        (false, Some(bytes)) => bytes,
        (false, None) if sock::was_never_read(tcp) => since_first,
        (false, None) => return emit::lost(Lost::Unread),
    };
    if bytes.cast_signed() > 0 {
        let tgid = if sock::is_locked_by_process(sk) {
            current_tgid()
        } else {
            owner::KERNEL
        };
        // The socket's lock keeps every other reader out, so that a plain addition does.
        account(sk, owner::slot(sk, state, tgid), tgid, |slot| {
            slot.rx_bytes += u64::from(bytes);
        });
    }
}

/// Bytes that a call of the current process moved. Whether such a socket counts is asked only where
/// this process has not moved any over it before.
#[inline(always)]
fn account_call(sk: impl Describe, add: impl FnOnce(&mut Slot)) {
    let tgid = current_tgid();
    let known = sk.state().and_then(|state| owner::last_slot(state, tgid));
    let index = match known {
        Some(index) => Some(index),
        None if !sock::counts(sk) => return,
        None => sk
            .state_or_new()
            .and_then(|state| owner::slot(sk, state, tgid)),
    };
    account(sk, index, tgid, add);
}

/// Adds to a slot of this socket, and announces it.
#[inline(always)]
pub(crate) fn account(
    sk: impl Describe,
    index: Option<u32>,
    host_tgid: u32,
    add: impl FnOnce(&mut Slot),
) {
    let Some(index) = index else {
        return emit::lost(Lost::MapFull);
    };
    let Some(slot) = SLOTS.get_ptr_mut(index) else {
        return;
    };
    // SAFETY: a map value that the verifier proved.
    let slot = unsafe { &mut *slot };
    add(slot);
    // After the addition: a reader that raises the tick later also sees these bytes. A second
    // announcement from another CPU would do no harm.
    let tick = TICK.read() as u32;
    // SAFETY: a word of a map value.
    if unsafe { core::ptr::read_volatile(&raw const slot.tick) } != tick {
        announce(sk, slot, index, host_tgid, tick);
    }
}

/// First activity of a slot in this tick: refreshes who and where, and tells user space. The tick is
/// set last: a slot that has none is not yet described.
#[inline(always)]
fn announce(sk: impl Describe, slot: &mut Slot, index: u32, host_tgid: u32, tick: u32) {
    sk.describe(slot, host_tgid);
    // SAFETY: a word of a map value; volatile, so that it stays behind what it vouches for.
    unsafe { core::ptr::write_volatile(&raw mut slot.tick, tick) };
    emit::active(index, slot.socket);
}

#[inline(always)]
pub(crate) fn current_tgid() -> u32 {
    (bpf_get_current_pid_tgid() >> 32) as u32
}
