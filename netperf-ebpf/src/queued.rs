//! Counts what a process hands to TCP by the send position, where no return value is seen.
//!
//! Hooks at a return can be missed. The kernel keeps a few kretprobes for each function, as few as it
//! has CPUs before 5.15, and a sender that waits for room holds one all the while. A trampoline's
//! program does not run while a preempted process is in it on the same CPU. A position makes up for
//! what was missed. Whoever moves it holds the socket's lock and lets go of it whenever it waits, so
//! that a hook at the entry of `release_sock` sees all that this process has added, and nothing of
//! another.

use netperf_common::flow::Slot;
use netperf_ebpf::atomic;

use crate::{
    bytes::{account, current_tgid},
    describe::Describe,
    kernel::{Struct, offset, setting},
    maps::SockState,
    owner,
    sock::{self, Sock},
};

const ESTABLISHED: u8 = 1;
const SYN_SENT: u8 = 2;
const SYN_RECV: u8 = 3;
const CLOSE: u8 = 7;
const CLOSE_WAIT: u8 = 8;

/// A connection begins: the SYN takes the first place, and what a fast open sends comes behind it.
#[inline(always)]
pub(crate) fn connects(sk: impl Sock) {
    if let Some((tcp, state)) = counted(sk).and_then(|tcp| Some((tcp, sk.state_or_new()?))) {
        note(state, position(tcp).wrapping_add(1));
    }
}

/// A connection was accepted: what counts is from here on. The socket may have the address of one whose
/// end nobody was told: before 6.7 the kernel does not say that it did not run a program.
#[inline(always)]
pub(crate) fn accepted(tcp: impl Struct, state: *mut SockState) {
    if setting!(by_position) != 0 {
        note(state, position(tcp));
    }
}

/// A send begins: what counts is from here on, unless an earlier position is known.
#[inline(always)]
pub(crate) fn begins(sk: impl Sock) {
    if !is_open(sk) {
        return;
    }
    if let Some((tcp, state)) = counted(sk).and_then(|tcp| Some((tcp, sk.state_or_new()?)))
        // SAFETY: a map value that the verifier proved.
        && unsafe { (*state).sent_known } == 0
    {
        note(state, position(tcp));
    }
}

/// The lock is about to be released: counts what was added under it.
#[inline(always)]
pub(crate) fn released(sk: impl Describe) {
    let Some(tcp) = counted(sk) else {
        return;
    };
    if !is_open(sk) {
        return forget_if_closed(sk);
    }
    let Some(state) = sk.state_or_new() else {
        return crate::emit::lost(crate::emit::Lost::MapFull);
    };
    let position = position(tcp);
    // SAFETY: a map value that the verifier proved.
    let (seen, known) = unsafe { ((*state).sent_seq, (*state).sent_known != 0) };
    note(state, position);
    let bytes = position.wrapping_sub(seen);
    if known && bytes.cast_signed() > 0 {
        let tgid = current_tgid();
        account(sk, owner::slot(sk, state, tgid), tgid, |slot| {
            atomic::add(&raw mut slot.tx_bytes, u64::from(bytes));
        });
    }
}

/// A connection leaves the states in which data can be added, before its FIN takes a place: adds
/// what a hook may have missed to what the last user has sent.
#[inline(always)]
pub(crate) fn finished(sk: impl Sock, state: *mut SockState, slot: &mut Slot) {
    if let Some(bytes) = missed(sk, state) {
        atomic::add(&raw mut slot.tx_bytes, bytes);
    }
}

/// The same where nobody has a slot: all that was sent was missed. It was sent by the process that ends the
/// connection, if one does.
#[inline(always)]
pub(crate) fn finished_unseen(sk: impl Describe, state: *mut SockState) {
    if sock::is_locked_by_process(sk)
        && let Some(bytes) = missed(sk, state)
    {
        let tgid = current_tgid();
        account(sk, owner::slot(sk, state, tgid), tgid, |slot| {
            atomic::add(&raw mut slot.tx_bytes, bytes);
        });
    }
}

/// Bytes up to the position that are not counted.
#[inline(always)]
fn missed(sk: impl Sock, state: *mut SockState) -> Option<u64> {
    // SAFETY: a map value that the verifier proved.
    let (seen, known) = unsafe { ((*state).sent_seq, (*state).sent_known != 0) };
    if !known {
        return None;
    }
    let position = position(counted(sk)?);
    note(state, position);
    let bytes = position.wrapping_sub(seen);
    (bytes.cast_signed() > 0).then_some(u64::from(bytes))
}

/// The position of a socket that was open before the hooks were attached, unless one was faster.
#[inline(always)]
pub(crate) fn open_before(tcp: impl Struct, state: &mut SockState) {
    if setting!(by_position) != 0 && state.sent_known == 0 {
        note(state, position(tcp));
    }
}

/// A closed socket may connect anew, from another position.
#[inline(always)]
fn forget_if_closed(sk: impl Sock) {
    if sk.field::<u8>(offset!(sock_skc_state)) == CLOSE
        && let Some(state) = sk.state()
    {
        // SAFETY: a map value that the verifier proved.
        unsafe { (*state).sent_known = 0 };
    }
}

#[inline(always)]
fn note(state: *mut SockState, position: u32) {
    // SAFETY: a map value that the verifier proved; the socket's lock is held.
    unsafe {
        (*state).sent_seq = position;
        (*state).sent_known = 1;
    }
}

/// A TCP socket that processes write to themselves: not one below MPTCP.
#[inline(always)]
fn counted<S: Sock>(sk: S) -> Option<S::Struct> {
    sk.tcp()
        .filter(|tcp| sock::counts(sk) && !sock::is_subflow(*tcp))
}

#[inline(always)]
fn is_open(sk: impl Sock) -> bool {
    can_send(sk.field(offset!(sock_skc_state)))
}

/// Whether processes can add data in this state. Afterwards only a FIN moves the position.
#[inline(always)]
pub(crate) fn can_send(state: u8) -> bool {
    matches!(state, ESTABLISHED | SYN_SENT | SYN_RECV | CLOSE_WAIT)
}

#[inline(always)]
fn position(tcp: impl Struct) -> u32 {
    tcp.field(offset!(tcp_sock_write_seq))
}
