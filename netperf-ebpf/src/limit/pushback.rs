//! When is a queue too full for more? Datagrams then find no room. A connection is asked to wait, if it has
//! something in the queue.
//!
//! To drop a packet before it is on its way is to ask TCP to wait: it counts as not sent, loses nothing, and
//! tries again when what it has in the queue is acknowledged. Hundreds of connections would otherwise fill
//! the queue for many seconds before they notice.

use aya_ebpf::bindings::{__sk_buff, bpf_sock};
use netperf_common::limit::LimitFill;

use crate::{
    maps::{board, fact},
    socket, window,
};

/// Memory that a packet takes beyond its bytes, at the most.
const OVERHEAD: u32 = 4_096;

/// Whether the connection of a packet that leaves has to wait.
#[inline(always)]
pub(crate) fn is_due(skb: *mut __sk_buff, socket: *mut bpf_sock) -> bool {
    // SAFETY: a part of a map value.
    board().is_some_and(|board| is_plenty(unsafe { &raw const (*board).sending }))
        && has_others(skb, socket)
}

/// Whether there is plenty in a queue.
#[inline(always)]
pub(crate) fn is_plenty(fill: *const LimitFill) -> bool {
    // SAFETY: aligned words of a map value.
    let (plenty, waiting) = unsafe {
        (
            core::ptr::read_volatile(&raw const (*fill).plenty),
            core::ptr::read_volatile(&raw const (*fill).waiting),
        )
    };
    // Less than nothing is a packet that was counted while user space set it right.
    plenty != 0 && waiting > plenty && waiting.cast_signed() > 0
}

/// Whether the socket has other packets on their way through this host: the kernel counts their memory.
#[inline(always)]
fn has_others(skb: *mut __sk_buff, socket: *mut bpf_sock) -> bool {
    let Some(tcp) = socket::tcp(socket) else {
        return false;
    };
    // SAFETY: a field of the context.
    let length = unsafe { (*skb).len };
    let all: u32 = window::field(tcp, fact!(wmem_alloc));
    all > length + length / 4 + OVERHEAD
}
