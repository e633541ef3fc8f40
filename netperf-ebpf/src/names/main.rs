//! The kernel side of `dns --watch`: packets to and from port 53, as the sockets of their clients see
//! them.
//!
//! Programs at the root of the cgroups see what every socket sends and receives, in every network
//! namespace. What has not port 53 at its other end is let go after a look at its ports.
#![no_std]
#![no_main]
#![expect(
    unsafe_code,
    reason = "helpers and the kernel's structures are pointers"
)]
#![expect(
    clippy::inline_always,
    reason = "the verifier forgets what it has proved where a function is called"
)]
#![expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "fields of one structure are read together, for the same reason"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "the macros of aya hand over the context"
)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "registers have 64 bits, whatever a helper returns"
)]

mod header;
mod maps;
mod owner;

use aya_ebpf::{
    bindings::__sk_buff,
    helpers::generated::{bpf_get_socket_cookie, bpf_ktime_get_boot_ns, bpf_skb_load_bytes},
    macros::cgroup_skb,
    programs::SkBuffContext,
};
use netperf_common::{
    flow::Owner,
    names::{ARRIVES, COPIED, LEAVES, NamePacket},
};
use netperf_ebpf::atomic;

use crate::{
    header::Header,
    maps::{LOST, PACKETS},
};

/// Lets a packet go on.
const PASS: i32 = 1;

/// `BPF_RB_NO_WAKEUP`: user space reads on its own clock.
const NO_WAKEUP: u64 = 1;

/// A packet leaves a socket.
#[cgroup_skb(egress)]
pub(crate) fn names_egress(ctx: SkBuffContext) -> i32 {
    let _ = seen(ctx.skb.skb, LEAVES);
    PASS
}

/// A packet reaches a socket.
#[cgroup_skb(ingress)]
pub(crate) fn names_ingress(ctx: SkBuffContext) -> i32 {
    let _ = seen(ctx.skb.skb, ARRIVES);
    PASS
}

#[inline(always)]
fn seen(skb: *mut __sk_buff, direction: u8) -> Option<()> {
    let header = header::read(skb, direction)?;
    let Some(mut entry) = PACKETS.reserve(0) else {
        count_lost();
        return None;
    };
    let packet: *mut NamePacket = entry.as_mut_ptr();
    fill(skb, packet, &header, direction);
    let copied = copy(skb, packet, &header);
    // SAFETY: a word of the entry.
    unsafe { (*packet).copied = copied };
    entry.submit(NO_WAKEUP);
    Some(())
}

/// Everything but the payload.
#[inline(always)]
fn fill(skb: *mut __sk_buff, packet: *mut NamePacket, header: &Header, direction: u8) {
    // SAFETY: fields of an entry that is as long as they say, and helpers that take any packet.
    unsafe {
        (*packet).at_ns = bpf_ktime_get_boot_ns();
        (*packet).socket = bpf_get_socket_cookie(skb.cast());
        (*packet).owner = Owner::NONE;
        (*packet).resolver = [0; 16];
        (*packet).length = header.length;
        (*packet).sequence = header.sequence;
        (*packet).local_port = header.local_port;
        (*packet).version = header.version;
        (*packet).protocol = header.protocol;
        (*packet).direction = direction;
        (*packet).netns = 0;
        (*packet).reserved = [0; 3];
        let resolver = (&raw mut (*packet).resolver).cast();
        let size = if header.version == 4 { 4 } else { 16 };
        bpf_skb_load_bytes(skb.cast(), header.resolver, resolver, size);
        if direction == LEAVES {
            owner::fill(&raw mut (*packet).owner);
            (*packet).netns = owner::netns();
        }
    }
}

/// Copies what fits, and says how much that is.
#[inline(always)]
fn copy(skb: *mut __sk_buff, packet: *mut NamePacket, header: &Header) -> u32 {
    // The verifier has to see that the size is not zero, and before 6.8 learns nothing from a comparison with
    // zero. The compiler must not see it, or it leaves this out: read back from memory, it is news to both.
    // SAFETY: a word of the entry.
    let length = unsafe { core::ptr::read_volatile(&raw const (*packet).length) };
    let size = length.wrapping_sub(1).min(COPIED as u32 - 1) + 1;
    // SAFETY: the payload of the entry has room for `size` bytes, which the verifier proves.
    let status = unsafe {
        let to = (&raw mut (*packet).payload).cast();
        bpf_skb_load_bytes(skb.cast(), header.payload, to, size)
    };
    if status == 0 { size } else { 0 }
}

#[inline(always)]
fn count_lost() {
    if let Some(lost) = LOST.get_ptr_mut(0) {
        atomic::add(lost, 1);
    }
}
