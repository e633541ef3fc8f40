//! Whose is a later piece of a packet? Of whom its first piece is, which alone has ports.

use aya_ebpf::bindings::__sk_buff;
use netperf_ebpf::ip::{Header, IPV4_ADDRESSES, IPV6_ADDRESSES, load};

use crate::maps::{PIECES, Piece};

/// Remembers that the packet that this piece begins is for a limited socket.
#[inline(always)]
pub(crate) fn remember(skb: *mut __sk_buff, header: &Header) {
    if let Some(piece) = of(skb, header) {
        // Where there is no room, the rest is not held up.
        let _ = PIECES.insert(piece, 1, 0);
    }
}

/// Whether that was remembered of the packet that this is a later piece of. One that comes before the first
/// is not held up, but of no use to anybody until that has come.
#[inline(always)]
pub(crate) fn is_remembered(skb: *mut __sk_buff, header: &Header) -> bool {
    // SAFETY: only whether it is there is asked.
    of(skb, header).is_some_and(|piece| unsafe { PIECES.get(piece) }.is_some())
}

#[inline(always)]
fn of(skb: *mut __sk_buff, header: &Header) -> Option<Piece> {
    let mut piece = Piece {
        ends: [0; 8],
        identification: header.identification,
        protocol: header.protocol.into(),
    };
    if header.version == 4 {
        [piece.ends[0], piece.ends[1]] = load(skb, IPV4_ADDRESSES)?;
    } else {
        piece.ends = load(skb, IPV6_ADDRESSES)?;
    }
    Some(piece)
}
