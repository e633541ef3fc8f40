//! Redirects packets of limited sockets into the queue, and back to where they were.
//!
//! The queue is that of an interface made for it, the near end of a pair. Its far end returns whatever
//! comes, and so the near end receives what its queue let go.

use aya_ebpf::{
    bindings::{__sk_buff, TC_ACT_SHOT, TC_ACT_UNSPEC, bpf_sock},
    helpers::generated::{
        bpf_ktime_get_ns, bpf_redirect, bpf_redirect_neigh, bpf_set_hash, bpf_set_hash_invalid,
        bpf_sk_fullsock, bpf_sk_lookup_tcp, bpf_sk_lookup_udp, bpf_sk_release, bpf_skb_change_head,
        bpf_skb_change_type, bpf_skb_store_bytes,
    },
    macros::classifier,
    programs::TcContext,
};
use netperf_common::limit::{LimitCounters, LimitedSocket};
use netperf_ebpf::{
    atomic,
    ip::{IPV4, TCP, UDP},
};

use crate::{
    fragments,
    header::{self, ETHERNET, Header},
    maps::{board, fact},
    pushback, socket, window,
};

/// `BPF_F_INGRESS`: as if it had arrived there.
const ARRIVED: u64 = 1;

/// `BPF_F_CURRENT_NETNS`.
const OWN_NETNS: u64 = u64::MAX;

/// What packets begin with where they have no header of their interface.
const BARE: u32 = 0;

/// Where an Ethernet header says what follows.
const PROTOCOL: u32 = 12;

/// `PACKET_HOST`.
const HOST: u32 = 0;

/// Number of the loopback interface, everywhere.
const LOOPBACK: u32 = 1;

/// Lets a packet go on as if nothing had looked at it.
const PASS: i32 = TC_ACT_UNSPEC;

/// A packet leaves by an interface.
#[classifier]
pub(crate) fn limit_egress(ctx: TcContext) -> i32 {
    egress(ctx.skb.skb, ETHERNET).unwrap_or(PASS)
}

/// The same by one whose packets begin with their IP header, as those of tunnels do.
#[classifier]
pub(crate) fn limit_egress_bare(ctx: TcContext) -> i32 {
    egress(ctx.skb.skb, BARE).unwrap_or(PASS)
}

/// A packet arrives by an interface.
#[classifier]
pub(crate) fn limit_ingress(ctx: TcContext) -> i32 {
    ingress(ctx.skb.skb, ETHERNET).unwrap_or(PASS)
}

/// The same by one whose packets begin with their IP header.
#[classifier]
pub(crate) fn limit_ingress_bare(ctx: TcContext) -> i32 {
    ingress(ctx.skb.skb, BARE).unwrap_or(PASS)
}

/// The far end of a queue.
#[classifier]
pub(crate) fn limit_reflect(ctx: TcContext) -> i32 {
    // SAFETY: a field of the context, and a helper that takes any number.
    unsafe { bpf_redirect((*ctx.skb.skb).ifindex, 0) as i32 }
}

/// The near end of the queue of what leaves: its turn has come.
#[classifier]
pub(crate) fn limit_dequeued_tx(ctx: TcContext) -> i32 {
    let skb = ctx.skb.skb;
    if let Some(socket) = full_socket(skb) {
        // SAFETY: fields of a socket and of the context, as the verifier knows them.
        unsafe {
            (*skb).mark = (*socket).mark;
            (*skb).priority = (*socket).priority;
        }
    }
    if let Some(board) = board() {
        // SAFETY: a part of a map value.
        let payload = count(unsafe { &raw mut (*board).up }, skb);
        // SAFETY: a word of a map value.
        atomic::add(
            unsafe { &raw mut (*board).sending.waiting },
            payload.wrapping_neg(),
        );
    }
    back(skb, 0)
}

/// The near end of the queue of what arrives.
#[classifier]
pub(crate) fn limit_dequeued_rx(ctx: TcContext) -> i32 {
    let skb = ctx.skb.skb;
    if let Some(board) = board() {
        // SAFETY: a part of a map value.
        let payload = count(unsafe { &raw mut (*board).down }, skb);
        // SAFETY: a word of a map value.
        atomic::add(
            unsafe { &raw mut (*board).receiving.waiting },
            payload.wrapping_neg(),
        );
    }
    back(skb, ARRIVED)
}

#[inline(always)]
fn egress(skb: *mut __sk_buff, link: u32) -> Option<i32> {
    if has_passed(skb) {
        return None;
    }
    let socket = full_socket(skb)?;
    let limited = socket::limited(socket)?;
    let header = header::read(skb, link)?;
    if fact!(down_queue) != 0 {
        window::lower(skb, (socket, limited), link, &header);
    }
    if fact!(up_queue) == 0 || header.is_bare_acknowledgement() {
        return None;
    }
    let payload = u64::from(header.payload);
    if header.ip.protocol == TCP && payload > 0 && pushback::is_due(skb, socket) {
        return Some(TC_ACT_SHOT);
    }
    if let Some(board) = board() {
        // SAFETY: a word of a map value.
        atomic::add(unsafe { &raw mut (*board).sending.waiting }, payload);
    }
    wait(skb, link, fact!(up_queue))
}

#[inline(always)]
fn ingress(skb: *mut __sk_buff, link: u32) -> Option<i32> {
    if has_passed(skb) {
        return None;
    }
    let header = header::read(skb, link)?;
    if header.is_bare_acknowledgement() {
        return None;
    }
    if header.ip.is_later_fragment {
        if !fragments::is_remembered(skb, &header.ip) {
            return None;
        }
    } else if may_pass(skb, &header)? {
        return None;
    }
    if header.ip.is_first_fragment {
        fragments::remember(skb, &header.ip);
    }
    let board = board()?;
    // SAFETY: parts of a map value.
    let (fill, refused) = unsafe { (&raw mut (*board).receiving, &raw mut (*board).refused) };
    if header.ip.protocol == UDP && pushback::is_plenty(fill) {
        atomic::add(refused, header.segments.into());
        return Some(TC_ACT_SHOT);
    }
    // SAFETY: a word of a map value.
    atomic::add(unsafe { &raw mut (*fill).waiting }, header.payload.into());
    wait(skb, link, fact!(down_queue))
}

/// Whether a packet for a limited socket need not wait; `None` where it is for no limited socket.
#[inline(always)]
fn may_pass(skb: *mut __sk_buff, header: &Header) -> Option<bool> {
    let (mut tuple, length) = header::ends(skb, header)?;
    // SAFETY: the helpers check what they are given; the socket that they give is released below.
    let socket = unsafe {
        if header.ip.protocol == TCP {
            bpf_sk_lookup_tcp(skb.cast(), &raw mut tuple, length, OWN_NETNS, 0)
        } else {
            bpf_sk_lookup_udp(skb.cast(), &raw mut tuple, length, OWN_NETNS, 0)
        }
    };
    if socket.is_null() {
        return None;
    }
    let found = socket::limited(socket);
    let passes = found.map(|limited| receives(limited, header));
    // SAFETY: it was found above.
    unsafe { bpf_sk_release(socket.cast()) };
    passes
}

/// Counts a connection in this round, and says whether it has grace left.
#[inline(always)]
fn receives(limited: *mut LimitedSocket, header: &Header) -> bool {
    let Some(board) = board() else {
        return false;
    };
    // SAFETY: words of map values.
    unsafe {
        let round = core::ptr::read_volatile(&raw const (*board).round);
        if (*limited).round != round {
            (*limited).round = round;
            atomic::add(&raw mut (*board).active, 1);
        }
    }
    header.ip.protocol == TCP && has_grace(limited)
}

/// Whether what comes need not wait yet.
#[inline(always)]
fn has_grace(limited: *mut LimitedSocket) -> bool {
    // SAFETY: words of a map value, and a helper without arguments.
    unsafe {
        let grace = (*limited).grace_ns;
        if grace == 0 {
            return false;
        }
        let now = bpf_ktime_get_ns();
        if (*limited).until_ns == 0 {
            (*limited).until_ns = now + grace;
        }
        if now < (*limited).until_ns {
            return true;
        }
        (*limited).grace_ns = 0;
        false
    }
}

/// The socket that a packet comes from, if it is a whole one.
#[inline(always)]
fn full_socket(skb: *mut __sk_buff) -> Option<*mut bpf_sock> {
    // SAFETY: a field of the context.
    let socket = unsafe { (*skb).__bindgen_anon_2.sk };
    if socket.is_null() {
        return None;
    }
    // SAFETY: the helper takes any socket, and answers null for one that is not whole.
    let socket = unsafe { bpf_sk_fullsock(socket) };
    (!socket.is_null()).then_some(socket)
}

/// Whether a packet has been through the queue of this limit, or the limit is over.
#[inline(always)]
fn has_passed(skb: *mut __sk_buff) -> bool {
    // SAFETY: a field of the context.
    if unsafe { (*skb).tc_index } & fact!(passed) != 0 {
        return true;
    }
    let Some(board) = board() else {
        return true;
    };
    // SAFETY: one aligned word of a map value.
    unsafe { core::ptr::read_volatile(&raw const (*board).ended) != 0 }
}

/// Counts a packet that its queue has let go; gives its payload.
#[inline(always)]
fn count(counters: *mut LimitCounters, skb: *mut __sk_buff) -> u64 {
    let Some(header) = header::read(skb, ETHERNET) else {
        return 0;
    };
    // SAFETY: words of a map value.
    unsafe {
        atomic::add(&raw mut (*counters).packets, header.segments.into());
        atomic::add(&raw mut (*counters).payload, header.payload.into());
        atomic::add(&raw mut (*counters).wire, header.wire.into());
    }
    header.payload.into()
}

/// Sends a packet into a queue. It takes along where it was: the only place for that which the way leaves
/// alone is its hash. `None` where there is no memory for the header that a queue needs.
#[inline(always)]
fn wait(skb: *mut __sk_buff, link: u32, queue: u32) -> Option<i32> {
    if link == BARE {
        begin_with_ethernet(skb)?;
    }
    // SAFETY: fields of the context, and helpers that take any number.
    unsafe {
        (*skb).tc_index |= fact!(passed);
        bpf_set_hash(skb, (*skb).ifindex);
        Some(bpf_redirect(queue, 0) as i32)
    }
}

/// Puts an Ethernet header in front of a packet, from nobody to nobody. Where the packet goes on without
/// one, the kernel takes it off.
#[inline(always)]
fn begin_with_ethernet(skb: *mut __sk_buff) -> Option<()> {
    // SAFETY: a field of the context; the helper says whether it could.
    let (protocol, status) = unsafe {
        (
            (*skb).protocol as u16,
            bpf_skb_change_head(skb, ETHERNET, 0),
        )
    };
    if status != 0 {
        return None;
    }
    // SAFETY: the helper checks that the place is within the packet.
    unsafe { bpf_skb_store_bytes(skb, PROTOCOL, (&raw const protocol).cast(), 2, 0) };
    Some(())
}

/// Sends a packet on where it was.
#[inline(always)]
fn back(skb: *mut __sk_buff, direction: u64) -> i32 {
    // SAFETY: fields of the context, and helpers that take any number.
    unsafe {
        let interface = (*skb).hash;
        if interface == 0 {
            // Not from the queue: what an interface of itself says.
            return TC_ACT_SHOT;
        }
        bpf_set_hash_invalid(skb);
        if interface == LOOPBACK {
            // On its way it has been taken for another host's.
            bpf_skb_change_type(skb, HOST);
            if (*skb).protocol == IPV4 {
                // It has lost its route, too, without which the kernel takes no such packet from there.
                return bpf_redirect_neigh(LOOPBACK, core::ptr::null_mut(), 0, 0) as i32;
            }
        }
        bpf_redirect(interface, direction) as i32
    }
}
