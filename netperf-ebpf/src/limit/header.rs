//! Reads from the headers of a packet how much payload it carries, and for which socket.

use core::mem::MaybeUninit;

use aya_ebpf::bindings::{
    __sk_buff, bpf_sock_tuple, bpf_sock_tuple__bindgen_ty_1__bindgen_ty_1 as Tuple4,
    bpf_sock_tuple__bindgen_ty_1__bindgen_ty_2 as Tuple6,
};
use netperf_ebpf::ip::{self, IPV4_ADDRESSES, IPV6_ADDRESSES, TCP, UDP_HEADER, load};

/// Bytes of an Ethernet header.
pub(crate) const ETHERNET: u32 = 14;

/// Flags of a TCP header.
const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;

/// What a limit needs to know of a packet.
#[derive(Clone, Copy)]
pub(crate) struct Header {
    pub(crate) ip: ip::Header,
    /// Bytes that a process handed over.
    pub payload: u32,
    /// All bytes, with the headers that the network will put before each segment.
    pub wire: u32,
    /// Segments that it will be.
    pub segments: u32,
    /// Flags, where it is TCP.
    pub flags: u8,
}

/// Reads the headers of a packet; `None` for what is neither TCP nor UDP. `link` is how long the header of
/// the interface is: [`ETHERNET`] or 0.
#[inline(always)]
pub(crate) fn read(skb: *mut __sk_buff, link: u32) -> Option<Header> {
    let ip = ip::Header::read(skb)?;
    let mut flags = 0;
    let own = if ip.is_later_fragment {
        0
    } else if ip.protocol == TCP {
        let offset: u8;
        [offset, flags] = load(skb, ip.transport + 12)?;
        u32::from(offset >> 4) * 4
    } else {
        UDP_HEADER
    };
    let headers = link + ip.transport + own;
    // Of a packet of many segments, its own header does not tell the length; a short one is padded.
    // SAFETY: fields of the context.
    let (length, segment) = unsafe { ((*skb).len, (*skb).gso_size) };
    let payload = if segment > 0 || ip.length == 0 {
        length.saturating_sub(headers)
    } else {
        ip.length.saturating_sub(ip.transport + own)
    };
    let segments = if segment > 0 {
        payload.div_ceil(segment).max(1)
    } else {
        1
    };
    Some(Header {
        ip,
        payload,
        wire: length + (segments - 1) * headers,
        segments,
        flags,
    })
}

impl Header {
    /// TCP that carries nothing, and does not begin or end anything: it need not wait, and may pass
    /// what waits.
    #[inline(always)]
    pub(crate) fn is_bare_acknowledgement(&self) -> bool {
        self.ip.protocol == TCP && self.payload == 0 && self.flags & (FIN | SYN | RST) == 0
    }
}

/// Both ends of a packet that has arrived, as the look-up of sockets wants them, and how long that is.
#[inline(always)]
pub(crate) fn ends(skb: *mut __sk_buff, header: &Header) -> Option<(bpf_sock_tuple, u32)> {
    // SAFETY: integers, for which zero is a value.
    let mut tuple: bpf_sock_tuple = unsafe { MaybeUninit::zeroed().assume_init() };
    let [sport, dport]: [u16; 2] = load(skb, header.ip.transport)?;
    let length = if header.ip.version == 4 {
        let [saddr, daddr]: [u32; 2] = load(skb, IPV4_ADDRESSES)?;
        tuple.__bindgen_anon_1.ipv4 = Tuple4 {
            saddr,
            daddr,
            sport,
            dport,
        };
        size_of::<Tuple4>()
    } else {
        let [saddr, daddr]: [[u32; 4]; 2] = load(skb, IPV6_ADDRESSES)?;
        tuple.__bindgen_anon_1.ipv6 = Tuple6 {
            saddr,
            daddr,
            sport,
            dport,
        };
        size_of::<Tuple6>()
    };
    Some((tuple, length as u32))
}
