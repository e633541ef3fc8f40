//! Transitions of TCP states: who owns the socket from then on, and a record of each where they are asked for.

use aya_ebpf::helpers::generated::bpf_ktime_get_boot_ns;
use netperf_common::{
    event::{FAILED, FIN_ARRIVED, STATE, StateEvent},
    flow::FlowKey,
};

use crate::{
    bytes::current_tgid,
    describe::Describe,
    emit,
    kernel::{offset, setting},
    latency,
    maps::{SLOTS, SockState},
    owner, queued, seed,
    sock::{self, Sock},
};

const ESTABLISHED: i32 = 1;
const SYN_SENT: i32 = 2;
const SYN_RECV: i32 = 3;

/// Cookies are counted up, so that both ends of a connection may have neighbours: multiplied by this odd
/// number (2⁶⁴ by the golden ratio), what is next to each other is far apart.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// A transition. It may run in softirq: the current process is noise, but for `SYN_SENT`, which only
/// a connecting process enters.
#[inline(always)]
pub(crate) fn changed(sk: impl Describe, old: i32, new: i32) {
    if sk.tcp().is_none() {
        return;
    }
    let begins = new == SYN_SENT || old == SYN_RECV && new == ESTABLISHED;
    if begins {
        sk.begins_anew();
    }
    if new == SYN_SENT
        && let Some(state) = sk.state_or_new()
    {
        belongs_to_current(sk, state);
    } else {
        used(sk);
    }
    if new == ESTABLISHED {
        seed::established(sk);
        if old == SYN_RECV
            && let Some((tcp, state)) = sk.tcp().zip(sk.state())
        {
            queued::accepted(tcp, state);
        }
        if setting!(latency) != 0 && old == SYN_RECV {
            latency::waits(sk);
        }
    }
    let Some(state) = sk.state() else {
        return;
    };
    let ends =
        queued::can_send(old.cast_unsigned() as u8) && !queued::can_send(new.cast_unsigned() as u8);
    let mut index = 0;
    if let Some((in_use, slot)) = owner::slot_in_use(state) {
        index = in_use;
        slot.state = new.cast_unsigned() as u8;
        if ends {
            queued::finished(sk, state, slot);
        }
    } else if ends {
        queued::finished_unseen(sk, state);
    }
    if setting!(emit_states) != 0 || setting!(latency) != 0 {
        // SAFETY: a helper without arguments.
        let now = unsafe { bpf_ktime_get_boot_ns() };
        // SAFETY: a map value that the verifier proved.
        let since = unsafe { core::mem::replace(&mut (*state).state_since_ns, now) };
        if setting!(latency) != 0 && old == SYN_SENT && new == ESTABLISHED && since != 0 {
            latency::connected(sk, state, now - since);
        }
        if setting!(emit_states) != 0 {
            tell(
                sk,
                index,
                (old.cast_unsigned() as u8, new.cast_unsigned() as u8),
                (since, now),
            );
        }
    }
}

/// Tells a transition, and how long the state before lasted.
#[inline(always)]
fn tell(sk: impl Sock, index: u32, (old, new): (u8, u8), (since, now): (u64, u64)) {
    let socket = sk.cookie();
    let every = u64::from(setting!(sample));
    if every > 1 && !(socket.wrapping_mul(MIX) >> 32).is_multiple_of(every) {
        return;
    }
    let mut key = FlowKey::default();
    sock::fill_key(sk, &mut key);
    let mut flags = 0;
    if sock::fin_has_arrived(sk) {
        flags |= FIN_ARRIVED;
    }
    if sk.field::<u32>(offset!(sock_sk_err)) != 0 {
        flags |= FAILED;
    }
    emit::record(&StateEvent {
        kind: STATE,
        slot: index,
        socket,
        at_ns: now,
        in_old_ns: if since == 0 { 0 } else { now - since },
        key,
        old,
        new,
        flags,
    });
}

/// A process listens, or ends a connection that it has not used before: whoever holds the socket's lock
/// owns it from now on. Only told where connections are told one by one.
#[inline(always)]
pub(crate) fn used(sk: impl Sock) {
    let is_told = setting!(emit_states) != 0 || setting!(emit_retrans) != 0;
    if is_told
        && sock::is_locked_by_process(sk)
        && let Some(state) = sk.state_or_new()
        && owner::slot_in_use(state).is_none()
    {
        belongs_to_current(sk, state);
        if let Some((index, slot)) = owner::slot_in_use(state) {
            owner::announce_holder(sk, index, slot);
        }
    }
}

/// A process connects, say: it owns the socket from now on, so that what happens before its first byte
/// (retransmitted SYNs) is its own.
#[inline(always)]
fn belongs_to_current(sk: impl Sock, state: *mut SockState) {
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
