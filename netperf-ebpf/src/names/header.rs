//! Is it a packet of DNS, and where in it is what?

use core::mem::MaybeUninit;

use aya_ebpf::{bindings::__sk_buff, helpers::generated::bpf_skb_load_bytes};
use netperf_common::names::LEAVES;

/// `ETH_P_IP` and `ETH_P_IPV6` as a packet has them.
const IPV4: u32 = 0x0800_u16.to_be() as u32;
const IPV6: u32 = 0x86dd_u16.to_be() as u32;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// The port that resolvers listen on.
const PORT: u16 = 53;

/// Bytes of a UDP header, and of an IPv6 header.
const UDP_HEADER: u32 = 8;
const IPV6_HEADER: u32 = 40;

/// Of a packet to or from a resolver. Places count from the network header, where the packet begins
/// for programs of cgroups.
pub(crate) struct Header {
    /// 4 or 6.
    pub version: u8,
    /// [`TCP`] or [`UDP`].
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
    // SAFETY: fields of the context.
    let (protocol, whole) = unsafe { ((*skb).protocol, (*skb).len) };
    let (version, transport, protocol, addresses) = match protocol {
        IPV4 => {
            let start: [u8; 10] = load(skb, 0)?;
            (4, u32::from(start[0] & 0xf) * 4, start[9], [12, 16])
        }
        IPV6 => {
            let start: [u8; 7] = load(skb, 0)?;
            (6, IPV6_HEADER, start[6], [8, 24])
        }
        _ => return None,
    };
    if protocol != TCP && protocol != UDP {
        return None;
    }
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

#[inline(always)]
fn load<const N: usize>(skb: *mut __sk_buff, offset: u32) -> Option<[u8; N]> {
    let mut bytes = MaybeUninit::<[u8; N]>::uninit();
    // SAFETY: room for as many bytes as are asked for.
    let status =
        unsafe { bpf_skb_load_bytes(skb.cast(), offset, bytes.as_mut_ptr().cast(), N as u32) };
    // SAFETY: the helper has written all of it.
    (status == 0).then(|| unsafe { bytes.assume_init() })
}
