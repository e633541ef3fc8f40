//! The end of a socket: its totals are final then, and user space may free the slot.

use crate::{
    emit,
    maps::{PROBED_SOCK_STATES, SockState},
    owner,
    sock::{Probed, Sock, refresh_tcp},
};

/// `TCP_CLOSE`.
const CLOSE: u8 = 7;

/// The socket is being destroyed: nothing can be moved over it any more.
#[inline(always)]
pub(crate) fn ended(sk: impl Sock) {
    if let Some(state) = sk.state() {
        finish(state, |slot| refresh_tcp(sk, slot));
    }
}

/// The same for a socket that is known by its address, which another may have soon.
#[inline(always)]
pub(crate) fn ended_by_address(sk: Probed) {
    ended(sk);
    let _ = PROBED_SOCK_STATES.remove(sk.0 as u64);
}

/// A connection begins where another was closed: the socket connects anew, or has the address of one
/// whose end nobody told, as a program does not run while another is underway on its CPU. Either way
/// the kernel's figures are of this connection only.
#[inline(always)]
pub(crate) fn left_behind(sk: Probed) {
    if let Some(state) = sk.state()
        && owner::slot_in_use(state).is_some_and(|(_, slot)| slot.state == CLOSE)
    {
        finish(state, |_| {});
        let _ = PROBED_SOCK_STATES.remove(sk.0 as u64);
    }
}

/// Marks the socket's current slot as final, after `last_look` has taken what is still to be seen.
#[inline(always)]
pub(crate) fn finish(
    state: *mut SockState,
    last_look: impl FnOnce(&mut netperf_common::flow::Slot),
) {
    let Some((index, slot)) = owner::slot_in_use(state) else {
        return;
    };
    // SAFETY: a map value that the verifier proved; one aligned word.
    unsafe { core::ptr::write_volatile(&raw mut (*state).current, 0) };
    last_look(slot);
    slot.closed = 1;
    emit::closed(index, slot.socket);
}
