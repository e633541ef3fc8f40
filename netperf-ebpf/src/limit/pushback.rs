//! When is a connection asked to wait? When it has something in a queue in which there is plenty.
//!
//! To drop a packet before it is on its way is to ask TCP to wait: it counts as not sent, loses nothing, and
//! tries again when what it has in the queue is acknowledged. Hundreds of connections would otherwise fill
//! the queue for many seconds before they notice.

use aya_ebpf::bindings::{__sk_buff, bpf_sock};

use crate::{
    maps::{board, fact},
    socket, window,
};

/// Memory that a packet takes beyond its bytes, at the most.
const OVERHEAD: u32 = 4_096;

/// Whether the connection of a packet that leaves has to wait.
#[inline(always)]
pub fn is_due(skb: *mut __sk_buff, socket: *mut bpf_sock) -> bool {
    let Some(board) = board() else {
        return false;
    };
    // SAFETY: aligned words of a map value.
    let (plenty, waiting) = unsafe {
        (
            core::ptr::read_volatile(&raw const (*board).plenty),
            core::ptr::read_volatile(&raw const (*board).waiting),
        )
    };
    // Less than nothing is a packet that was counted while user space set it right.
    plenty != 0 && waiting > plenty && (waiting as i64) > 0 && has_others(skb, socket)
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
