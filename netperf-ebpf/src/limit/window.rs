//! How much may the other end of a limited connection send at once? As much as the rate lets through:
//! a queue alone would hold it up too late.

use aya_ebpf::{
    bindings::{__sk_buff, bpf_sock},
    helpers::generated::{bpf_ktime_get_ns, bpf_l4_csum_replace, bpf_skb_store_bytes},
};
use core::ffi::c_void;

use netperf_common::limit::{AHEAD_US, LimitedSocket};
use netperf_ebpf::ip::{TCP, load};

use crate::{
    header::{Header, RST, SYN},
    maps::{board, fact},
    socket,
};

/// Three full segments: fewer make the other end wait for acknowledgements that are held back.
const LEAST: u64 = 3 * 1_448;

/// Longest round trip that counts; without a measure of the kernel's, a shorter one.
const LONGEST_US: u64 = 2_000_000;
const UNSURE_US: u64 = 200_000;

/// How long what was sent before still may come, and how long a busy host may take to do what it is told.
const LONGEST_GRACE_US: u64 = 50_000;
const REACTION_US: u64 = 5_000;

/// What is left of its grace then.
const TOLD: u64 = 1;

/// Where a TCP header has its window, and its checksum.
const WINDOW: u32 = 14;
const CHECKSUM: u32 = 16;

/// Lowers the window that a packet of a limited connection advertises. Nothing of the socket changes.
#[inline(always)]
pub(crate) fn lower(
    skb: *mut __sk_buff,
    (socket, limited): (*mut bpf_sock, *mut LimitedSocket),
    link: u32,
    header: &Header,
) {
    if header.ip.protocol != TCP || header.ip.is_later_fragment || header.flags & (SYN | RST) != 0 {
        return;
    }
    let Some(board) = board() else {
        return;
    };
    // SAFETY: aligned words of map values.
    let (rate, connections) = unsafe {
        let rate = core::ptr::read_volatile(&raw const (*board).window_rate);
        let shared_by = core::ptr::read_volatile(&raw const (*board).connections);
        let active = core::ptr::read_volatile(&raw const (*board).active);
        (rate, shared_by.max(active).max(1))
    };
    if rate == 0 {
        return;
    }
    let rate = rate / connections;
    let Some((scale, round_trip)) = of_connection(socket) else {
        return;
    };
    end_grace(limited, round_trip);
    let bytes = (rate / 1_000 * (AHEAD_US + round_trip) / 1_000).max(LEAST);
    let Some(window) = load::<[u8; 2]>(skb, header.ip.transport + WINDOW) else {
        return;
    };
    let window = u16::from_be_bytes(window);
    let lower = (bytes >> scale).max(1);
    if lower < u64::from(window) {
        write(skb, link + header.ip.transport, window, lower as u16);
    }
}

/// From now on the other end knows, once this packet is there; what it has sent by then still comes.
#[inline(always)]
fn end_grace(limited: *mut LimitedSocket, round_trip_us: u64) {
    // SAFETY: words of a map value, and a helper without arguments.
    unsafe {
        if (*limited).grace_ns > TOLD {
            (*limited).grace_ns = TOLD;
            (*limited).until_ns =
                bpf_ktime_get_ns() + (round_trip_us.min(LONGEST_GRACE_US) + REACTION_US) * 1_000;
        }
    }
}

/// Window scale, and round trip in microseconds.
#[inline(always)]
fn of_connection(socket: *mut bpf_sock) -> Option<(u32, u64)> {
    let tcp = socket::tcp(socket)?;
    let scale = u32::from(field::<u8>(tcp, fact!(rcv_wscale)) >> fact!(rcv_wscale_shift)) & 0xf;
    let least = u64::from(field::<u32>(tcp, fact!(rtt_min_us)));
    let received = u64::from(field::<u32>(tcp, fact!(rcv_rtt)) >> 3);
    let round_trip = if least > 0 && least < LONGEST_US {
        least
    } else {
        received.min(UNSURE_US)
    };
    Some((scale, round_trip))
}

/// Reads a field of a connection.
#[inline(always)]
pub(crate) fn field<T: Copy>(tcp: *const c_void, offset: u32) -> T {
    let field = tcp.wrapping_byte_add(offset as usize).cast::<T>();
    // SAFETY: the verifier knows the structure, and checks the place.
    unsafe { core::ptr::read_volatile(field) }
}

#[inline(always)]
fn write(skb: *mut __sk_buff, transport: u32, from: u16, to: u16) {
    let (from, to) = (from.to_be(), to.to_be());
    // SAFETY: the helpers check that the places are within the packet.
    let status =
        unsafe { bpf_l4_csum_replace(skb, transport + CHECKSUM, from.into(), to.into(), 2) };
    if status == 0 {
        let place = transport + WINDOW;
        // SAFETY: as above.
        unsafe { bpf_skb_store_bytes(skb, place, (&raw const to).cast(), 2, 0) };
    }
}
