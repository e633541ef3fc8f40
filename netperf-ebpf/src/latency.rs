//! Histograms of how long it takes to connect, to get an answer, and to be accepted.

use aya_ebpf::helpers::generated::bpf_ktime_get_boot_ns;
use netperf_common::{
    flow::{FlowKey, Owner},
    latency::{ACCEPT, BUCKETS, CONNECT, LatencyKey, RTT, bucket},
};
use netperf_ebpf::atomic;

use crate::{
    bytes::current_tgid,
    emit::{self, Lost},
    kernel::{Struct as _, offset},
    maps::{HANDSHAKES, LATENCIES, NEW_HISTOGRAM, SockState},
    owner,
    sock::{self, Probed, Sock},
};

/// A connection that this host opened is established, so long after its first SYN.
#[inline(always)]
pub(crate) fn connected(sk: impl Sock, state: *mut SockState, after_ns: u64) {
    of_last_user(sk, state, CONNECT, micros(after_ns));
}

/// A segment has arrived on an established connection.
#[inline(always)]
pub(crate) fn arrived(sk: impl Sock) {
    let (Some(tcp), Some(state)) = (sk.tcp(), sk.state()) else {
        return;
    };
    let srtt_us = tcp.field::<u32>(offset!(tcp_sock_srtt_us)) >> 3;
    if srtt_us > 0 {
        of_last_user(sk, state, RTT, srtt_us);
    }
}

/// A connection that another host opened is established, and waits to be accepted.
#[inline(always)]
pub(crate) fn waits(sk: impl Sock) {
    // SAFETY: a helper without arguments.
    let now = unsafe { bpf_ktime_get_boot_ns() };
    let _ = HANDSHAKES.insert(sk.base().address() as u64, now, 0);
}

/// The current process has accepted a connection.
#[inline(always)]
pub(crate) fn accepted(sk: Probed) {
    let socket = sk.0 as u64;
    // SAFETY: a copy of an integer.
    let Some(since) = (unsafe { HANDSHAKES.get(socket).copied() }) else {
        return;
    };
    let _ = HANDSHAKES.remove(socket);
    // SAFETY: a helper without arguments.
    let now = unsafe { bpf_ktime_get_boot_ns() };
    let mut by = Owner::NONE;
    owner::fill(sk, &mut by, current_tgid());
    note(sk, &by, ACCEPT, micros(now.wrapping_sub(since)));
}

/// The current process has accepted a connection, and this is its descriptor.
#[inline(always)]
pub(crate) fn accepted_as(fd: i64) {
    if fd < 0 {
        return;
    }
    let sk = sock::of_descriptor(fd.cast_unsigned() as u32);
    if !sk.is_null() {
        accepted(Probed(sk));
    }
}

/// A time of the process that used the socket last: it may run in softirq.
#[inline(always)]
fn of_last_user(sk: impl Sock, state: *mut SockState, kind: u16, us: u32) {
    if let Some((_, slot)) = owner::slot_in_use(state)
        && slot.owner.start_ns != 0
    {
        note(sk, &slot.owner, kind, us);
    }
}

#[inline(always)]
fn note(sk: impl Sock, by: &Owner, kind: u16, us: u32) {
    let mut flow = FlowKey::default();
    sock::fill_key(sk, &mut flow);
    let key = LatencyKey {
        start_ns: by.start_ns,
        remote_addr: flow.remote_addr,
        host_tgid: by.host_tgid,
        family: flow.family,
        kind,
    };
    if LATENCIES.get_ptr_mut(key).is_none() {
        #[expect(
            clippy::needless_borrows_for_generic_args,
            reason = "without, it would be copied to the stack, which is too small"
        )]
        let _ = LATENCIES.insert(key, &NEW_HISTOGRAM, 0);
    }
    let Some(histogram) = LATENCIES.get_ptr_mut(key) else {
        return emit::lost(Lost::MapFull);
    };
    // SAFETY: a map value that the verifier proved.
    let histogram = unsafe { &mut *histogram };
    histogram.owner = *by;
    let index = bucket(us) as usize;
    // SAFETY: a word on the stack. The compiler must not know that the mask changes nothing: the
    // verifier does not.
    let index = unsafe { core::ptr::read_volatile(&raw const index) } & (BUCKETS - 1);
    // SAFETY: the mask keeps the index within the array.
    atomic::add_half(unsafe { histogram.counts.get_unchecked_mut(index) }, 1);
}

#[inline(always)]
fn micros(ns: u64) -> u32 {
    (ns / 1_000).min(u32::MAX.into()) as u32
}
