//! Start positions of sockets: from where on received data counts, and who held a socket before the start.

use crate::{
    kernel::{Address, Struct as _, offset, setting},
    maps::SockState,
    owner, queued,
    sock::{self, Sock},
};

/// The receive position of a TCP socket that was open before the hooks were attached, unless a hook
/// was faster.
#[inline(always)]
pub(crate) fn open_before(sk: impl Sock) {
    if let Some((tcp, state)) = sk.tcp().zip(sk.state_or_new()) {
        // SAFETY: a map value that the verifier proved.
        queued::open_before(tcp, unsafe { &mut *state });
    }
    set(sk, |state, position, _| {
        (state.seq_known == 0).then_some(position)
    });
}

/// This process holds the socket: it owns what happens on it until one uses it. Of those that share one,
/// the first that is looked at does. Only told where connections are told one by one.
#[inline(always)]
pub(crate) fn held_by(sk: impl Sock, task: Address) {
    let is_told = setting!(emit_states) != 0 || setting!(emit_retrans) != 0;
    if !is_told || !sock::counts(sk) {
        return;
    }
    let Some(state) = sk.state_or_new() else {
        return;
    };
    let host_tgid: u32 = task.field(offset!(task_struct_tgid));
    if owner::slot_in_use(state).is_none()
        && owner::slot(sk, state, host_tgid).is_some()
        && let Some((index, slot)) = owner::slot_in_use(state)
    {
        owner::fill_holder(task, &mut slot.owner, host_tgid);
        owner::announce_holder(sk, index, slot);
    }
}

/// A connection begins here; the socket may have had another one before. What a fast open brought
/// may have been taken already, and have been counted or not: the reader may be on its way to the
/// hook that counts.
#[inline(always)]
pub(crate) fn established(sk: impl Sock) {
    set(sk, |state, position, first| {
        let counted = state.seen_seq.wrapping_sub(first);
        let is_of_this_connection = state.seq_known != 0 && counted <= position.wrapping_sub(first);
        (!is_of_this_connection).then_some(first)
    });
}

/// Sets the position up to which bytes are counted to what `choose` says, which is told how far the
/// readers are, and where the connection began.
#[inline(always)]
fn set(sk: impl Sock, choose: impl FnOnce(&SockState, u32, u32) -> Option<u32>) {
    let Some(tcp) = sk.tcp().filter(|tcp| sock::has_no_ulp(*tcp)) else {
        return;
    };
    let Some(state) = sk.state_or_new() else {
        return;
    };
    // SAFETY: a map value that the verifier proved.
    let state = unsafe { &mut *state };
    let first = sock::first_seq(tcp);
    if let Some(position) = choose(state, sock::taken_seq(sk, tcp), first) {
        state.seen_seq = position;
        state.first_seq = first;
        state.seq_known = 1;
    }
}
