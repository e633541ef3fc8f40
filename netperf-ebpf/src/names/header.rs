//! Recognises packets of DNS, and finds their parts.

use aya_ebpf::bindings::__sk_buff;
use netperf_common::names::LEAVES;
use netperf_ebpf::ip::{self, IPV4_ADDRESSES, IPV6_ADDRESSES, TCP, UDP_HEADER, load};

/// The port that resolvers listen on.
const PORT: u16 = 53;

/// Of a packet to or from a resolver. Places count from the network header, where the packet begins
/// for programs of cgroups.
pub(crate) struct Header {
    /// 4 or 6.
    pub version: u8,
    /// `TCP` or `UDP` of [`ip`].
    pub protocol: u8,
    /// Port of this end.
    pub local_port: u16,
    /// Where the resolver's address is.
    pub resolver: u32,
    /// Where the payload is.
    pub payload: u32,
    /// Its length.
    pub length: u32,
    /// Sequence number, of TCP.
    pub sequence: u32,
}

/// `None` of a packet that has another port at its other end, or no payload.
#[inline(always)]
pub(crate) fn read(skb: *mut __sk_buff, direction: u8) -> Option<Header> {
    let header = ip::Header::read(skb)?;
    if header.is_later_fragment {
        return None;
    }
    let (version, protocol, transport) = (header.version, header.protocol, header.transport);
    let addresses = if version == 4 {
        [IPV4_ADDRESSES, IPV4_ADDRESSES + 4]
    } else {
        [IPV6_ADDRESSES, IPV6_ADDRESSES + 16]
    };
    let ports: [u8; 4] = load(skb, transport)?;
    let from = u16::from_be_bytes([ports[0], ports[1]]);
    let to = u16::from_be_bytes([ports[2], ports[3]]);
    let (local_port, remote_port, resolver) = if direction == LEAVES {
        (from, to, addresses[1])
    } else {
        (to, from, addresses[0])
    };
    if remote_port != PORT {
        return None;
    }
    let (own, sequence) = if protocol == TCP {
        let rest: [u8; 9] = load(skb, transport + 4)?;
        let sequence = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]);
        (u32::from(rest[8] >> 4) * 4, sequence)
    } else {
        (UDP_HEADER, 0)
    };
    let payload = transport + own;
    // SAFETY: a field of the context.
    let whole = unsafe { (*skb).len };
    let length = whole.checked_sub(payload).filter(|&length| length > 0)?;
    Some(Header {
        version,
        protocol,
        local_port,
        resolver,
        payload,
        length,
        sequence,
    })
}
