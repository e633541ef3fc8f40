//! Retransmissions, counted by socket: the process that runs at the time is noise.

use aya_ebpf::helpers::generated::bpf_ktime_get_boot_ns;
use netperf_common::{
    event::{RETRANS, RetransEvent, SYNACK},
    flow::{FlowKey, IPPROTO_TCP, Slot},
};
use netperf_ebpf::atomic;

use crate::{
    emit,
    kernel::{Address, Struct, offset, probe, setting},
    maps::TICK,
    owner::{self, KERNEL},
    sock::{self, Sock},
    undecided::{self, Missing},
};

/// `TCP_LISTEN`.
const LISTEN: u8 = 10;

/// The kernel is about to retransmit: from here on the socket has a slot, whoever uses it.
#[inline(always)]
pub(crate) fn begins(sk: impl Sock) {
    if setting!(emit_retrans) != 0 {
        let _ = slot_of_anybody(sk, 0);
    }
}

/// The kernel retransmitted so many segments of this socket, and has counted them.
#[inline(always)]
pub(crate) fn happened(sk: impl Sock, segments: u32) {
    let Some((index, slot)) = slot_of_anybody(sk, segments) else {
        return;
    };
    announce(sk, index, slot);
    if setting!(emit_retrans) != 0 {
        tell(RETRANS, sk, index, slot, slot.key);
    }
}

/// A listener sent a SYN-ACK again. A connection with early data has a socket by then, which counts it.
#[inline(always)]
pub(crate) fn synack(sk: impl Sock, request: Address) {
    if sk.field::<u8>(offset!(sock_skc_state)) != LISTEN {
        return;
    }
    let Some((index, slot)) = slot_of_anybody(sk, 0) else {
        return;
    };
    atomic::add_half(&raw mut slot.synacks, 1);
    announce(sk, index, slot);
    let mut key = FlowKey {
        protocol: IPPROTO_TCP,
        ..FlowKey::default()
    };
    sock::fill_addresses(request, &mut key);
    tell(SYNACK, sk, index, slot, key);
}

/// Segments that a packet (`struct sk_buff`) stands for; 1 where it does not tell.
#[inline(always)]
pub(crate) fn segments(packet: Address) -> u32 {
    let offset = setting!(skb_segs_offset);
    let segments = if offset == 0 {
        0
    } else {
        probe::<u16>(packet.address(), offset)
    };
    u32::from(segments).max(1)
}

/// The slot of the process that used the socket last. Where retransmissions are asked for, a socket
/// that nobody used since the start is the kernel's: `just_now` of its segments are of now.
#[inline(always)]
fn slot_of_anybody<'a, S: Sock>(sk: S, just_now: u32) -> Option<(u32, &'a mut Slot)> {
    let tcp = sk.tcp()?;
    if setting!(emit_retrans) == 0 {
        let found = sk.state().and_then(owner::slot_in_use);
        if found.is_none() {
            undecided::of_socket(Missing::Socket, sk);
        }
        return found;
    }
    let Some(state) = sk.state_or_new() else {
        emit::lost(emit::Lost::MapFull);
        return None;
    };
    if let Some(found) = owner::slot_in_use(state) {
        return Some(found);
    }
    if owner::slot(sk, state, KERNEL).is_none() {
        emit::lost(emit::Lost::MapFull);
        return None;
    }
    undecided::of_socket(Missing::Owner, sk);
    let (index, slot) = owner::slot_in_use(state)?;
    let total: u32 = tcp.field(offset!(tcp_sock_total_retrans));
    slot.retrans_base = total.saturating_sub(just_now);
    // SAFETY: a map value that the verifier proved.
    unsafe { (*state).sent_before = (*state).sent_before.wrapping_sub(just_now) };
    Some((index, slot))
}

/// Takes the kernel's figures, and tells that the slot is active. The connection may not have moved a
/// byte yet.
#[inline(always)]
fn announce(sk: impl Sock, index: u32, slot: &mut Slot) {
    sock::refresh_tcp(sk, slot);
    sock::fill_key(sk, &mut slot.key);
    let tick = TICK.read() as u32;
    if slot.tick != tick
        && sk
            .state()
            .is_some_and(|state| owner::is_described(state, slot))
    {
        slot.tick = tick;
        emit::active(index, slot.socket);
    }
}

#[inline(always)]
fn tell(kind: u32, sk: impl Sock, index: u32, slot: &Slot, key: FlowKey) {
    let Some(tcp) = sk.tcp() else {
        return;
    };
    let pending = setting!(pending_offset);
    emit::record(&RetransEvent {
        kind,
        slot: index,
        socket: slot.socket,
        // SAFETY: a helper without arguments.
        at_ns: unsafe { bpf_ktime_get_boot_ns() },
        key,
        total: slot.retrans,
        srtt_us: slot.srtt_us,
        state: slot.state,
        ca_state: tcp.field::<u8>(setting!(ca_state_offset)) & setting!(ca_state_mask) as u8,
        pending: if pending == 0 { 0 } else { tcp.field(pending) },
        reserved: 0,
        cwnd: tcp.field(offset!(tcp_sock_snd_cwnd)),
        reserved2: 0,
    });
}
