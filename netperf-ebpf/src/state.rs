//! Which TCP state does a socket go to?

use aya_ebpf::helpers::generated::bpf_ktime_get_boot_ns;
use netperf_common::{
    event::{STATE, StateEvent},
    flow::FlowKey,
};

use crate::{
    bytes::current_tgid,
    emit,
    kernel::setting,
    maps::{SLOTS, SockState},
    owner, queued, seed,
    sock::{self, Sock},
};

const ESTABLISHED: i32 = 1;
const SYN_SENT: i32 = 2;

/// A transition. It may run in softirq: the current process is noise, but for `SYN_SENT`, which only
/// a connecting process enters.
#[inline(always)]
pub fn changed(sk: impl Sock, old: i32, new: i32) {
    if sk.tcp().is_none() {
        return;
    }
    if new == SYN_SENT
        && let Some(state) = sk.state_or_new()
    {
        connecting(sk, state);
    }
    if new == ESTABLISHED {
        seed::established(sk);
    }
    let Some(state) = sk.state() else {
        return;
    };
    let mut index = 0;
    if let Some((in_use, slot)) = owner::slot_in_use(state) {
        index = in_use;
        slot.state = new as u8;
        if queued::can_send(old as u8) && !queued::can_send(new as u8) {
            queued::finished(sk, state, slot);
        }
    }
    if setting!(emit_states) != 0 {
        // SAFETY: a helper without arguments.
        let now = unsafe { bpf_ktime_get_boot_ns() };
        // SAFETY: a map value that the verifier proved.
        let since = unsafe { core::mem::replace(&mut (*state).state_since_ns, now) };
        let in_old_ns = if since == 0 { 0 } else { now - since };
        let mut key = FlowKey::default();
        sock::fill_key(sk, &mut key);
        emit::record(&StateEvent {
            kind: STATE,
            slot: index,
            socket: sk.cookie(),
            at_ns: now,
            in_old_ns,
            key,
            old: old as u8,
            new: new as u8,
            reserved: 0,
        });
    }
}

/// A process connects: it owns the socket from now on, so that what happens before its first byte
/// (retransmitted SYNs) is its own.
#[inline(always)]
fn connecting(sk: impl Sock, state: *mut SockState) {
    let host_tgid = current_tgid();
    let Some(index) = owner::slot(sk, state, host_tgid) else {
        return emit::lost(emit::Lost::MapFull);
    };
    if let Some(slot) = SLOTS.get_ptr_mut(index) {
        // SAFETY: a map value that the verifier proved.
        let slot = unsafe { &mut *slot };
        owner::fill(sk, &mut slot.owner, host_tgid);
    }
}
