//! What does a packet carry, and for whom? Read from its headers.

use core::mem::MaybeUninit;

use aya_ebpf::{
    bindings::{
        __sk_buff, bpf_sock_tuple, bpf_sock_tuple__bindgen_ty_1__bindgen_ty_1 as Tuple4,
        bpf_sock_tuple__bindgen_ty_1__bindgen_ty_2 as Tuple6,
    },
    helpers::generated::bpf_skb_load_bytes_relative,
};

/// `BPF_HDR_START_NET`: offsets count from the network header.
const FROM_NETWORK: u32 = 1;

/// Bytes of an Ethernet header.
pub(crate) const ETHERNET: u32 = 14;

/// `ETH_P_IP` and `ETH_P_IPV6` as a packet has them.
pub(crate) const IPV4: u32 = 0x0800_u16.to_be() as u32;
const IPV6: u32 = 0x86dd_u16.to_be() as u32;

pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;

/// Where the header of IPv4 or IPv6 has both addresses.
pub(crate) const IPV4_ENDS: u32 = 12;
pub(crate) const IPV6_ENDS: u32 = 8;

/// Flags of a TCP header.
const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;

/// Bytes of a UDP header, and of an IPv6 header.
const UDP_HEADER: u32 = 8;
const IPV6_HEADER: u32 = 40;

/// Extension headers of IPv6, and how many are read.
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION: u8 = 60;
const EXTENSIONS: u32 = 4;

/// Where a piece of a packet says that others follow, and, in IPv6, where it begins.
const MORE: u16 = 0x2000;
const MORE_V6: u16 = 1;
const OFFSET_V6: u16 = 0xfff8;

/// What is to be known of a packet.
#[derive(Clone, Copy)]
pub(crate) struct Header {
    /// 4 or 6.
    pub version: u8,
    /// [`TCP`] or [`UDP`].
    pub protocol: u8,
    /// Where the transport header begins, from the network header.
    pub transport: u32,
    /// A piece of a packet that is not its beginning: it has no transport header.
    pub is_later_piece: bool,
    /// A piece that is its beginning: others follow.
    pub is_first_piece: bool,
    /// What all pieces of a packet have in common, beside their ends.
    pub identification: u32,
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
    // SAFETY: fields of the context.
    let (protocol, length) = unsafe { ((*skb).protocol, (*skb).len) };
    let mut header = match protocol {
        IPV4 => ipv4(skb)?,
        IPV6 => ipv6(skb)?,
        _ => return None,
    };
    let own = if header.is_later_piece {
        0
    } else if header.protocol == TCP {
        let [offset, flags]: [u8; 2] = load(skb, header.transport + 12)?;
        header.flags = flags;
        u32::from(offset >> 4) * 4
    } else {
        UDP_HEADER
    };
    let headers = link + header.transport + own;
    // Of a packet of many segments, its own header does not tell the length; a short one is padded.
    // SAFETY: a field of the context.
    let segment = unsafe { (*skb).gso_size };
    header.payload = if segment > 0 || header.payload == 0 {
        length.saturating_sub(headers)
    } else {
        header.payload.saturating_sub(header.transport + own)
    };
    header.segments = if segment > 0 {
        header.payload.div_ceil(segment).max(1)
    } else {
        1
    };
    header.wire = length + (header.segments - 1) * headers;
    Some(header)
}

impl Header {
    /// TCP that carries nothing, and does not begin or end anything: it need not wait, and may pass
    /// what waits.
    #[inline(always)]
    pub(crate) fn is_bare_acknowledgement(&self) -> bool {
        self.protocol == TCP && self.payload == 0 && self.flags & (FIN | SYN | RST) == 0
    }
}

/// `payload` is the length of the whole packet until the transport header is known.
#[inline(always)]
fn ipv4(skb: *mut __sk_buff) -> Option<Header> {
    let start: [u8; 10] = load(skb, 0)?;
    let place = u16::from_be_bytes([start[6], start[7]]);
    let offset = place & 0x1fff;
    let length = u16::from_be_bytes([start[2], start[3]]);
    known(Header {
        version: 4,
        protocol: start[9],
        transport: u32::from(start[0] & 0xf) * 4,
        is_later_piece: offset != 0,
        is_first_piece: offset == 0 && place & MORE != 0,
        identification: u32::from(u16::from_ne_bytes([start[4], start[5]])),
        payload: u32::from(length),
        wire: 0,
        segments: 0,
        flags: 0,
    })
}

/// With extension headers in front: the kernel itself puts one before what is longer than 64 KiB.
#[inline(always)]
fn ipv6(skb: *mut __sk_buff) -> Option<Header> {
    let start: [u8; 7] = load(skb, 0)?;
    let length = u16::from_be_bytes([start[4], start[5]]);
    let (mut protocol, mut transport) = (start[6], IPV6_HEADER);
    let (mut place, mut identification) = (0, 0);
    for _ in 0..EXTENSIONS {
        match protocol {
            HOP_BY_HOP | ROUTING | DESTINATION => {
                let [next, eights]: [u8; 2] = load(skb, transport)?;
                protocol = next;
                transport += (u32::from(eights) + 1) * 8;
            }
            FRAGMENT => {
                let piece: [u8; 8] = load(skb, transport)?;
                protocol = piece[0];
                transport += 8;
                place = u16::from_be_bytes([piece[2], piece[3]]);
                identification = u32::from_ne_bytes([piece[4], piece[5], piece[6], piece[7]]);
            }
            _ => break,
        }
    }
    known(Header {
        version: 6,
        protocol,
        transport,
        is_later_piece: place & OFFSET_V6 != 0,
        is_first_piece: place & OFFSET_V6 == 0 && place & MORE_V6 != 0,
        identification,
        payload: if length == 0 {
            0
        } else {
            u32::from(length) + IPV6_HEADER
        },
        wire: 0,
        segments: 0,
        flags: 0,
    })
}

#[inline(always)]
fn known(header: Header) -> Option<Header> {
    matches!(header.protocol, TCP | UDP).then_some(header)
}

/// Both ends of a packet that has arrived, as the look-up of sockets wants them, and how long that is.
#[inline(always)]
pub(crate) fn ends(skb: *mut __sk_buff, header: &Header) -> Option<(bpf_sock_tuple, u32)> {
    // SAFETY: integers, for which zero is a value.
    let mut tuple: bpf_sock_tuple = unsafe { MaybeUninit::zeroed().assume_init() };
    let [sport, dport]: [u16; 2] = load(skb, header.transport)?;
    let length = if header.version == 4 {
        let [saddr, daddr]: [u32; 2] = load(skb, IPV4_ENDS)?;
        tuple.__bindgen_anon_1.ipv4 = Tuple4 {
            saddr,
            daddr,
            sport,
            dport,
        };
        size_of::<Tuple4>()
    } else {
        let [saddr, daddr]: [[u32; 4]; 2] = load(skb, IPV6_ENDS)?;
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

/// Bytes of a packet, counted from its network header, whether they are in its first page or not.
#[inline(always)]
pub(crate) fn load<T: Copy>(skb: *mut __sk_buff, offset: u32) -> Option<T> {
    let mut bytes = MaybeUninit::<T>::zeroed();
    let (to, length) = (bytes.as_mut_ptr().cast(), size_of::<T>() as u32);
    // SAFETY: the helper writes so many bytes, or says that it can't.
    let status = unsafe {
        bpf_skb_load_bytes_relative(skb.cast_const().cast(), offset, to, length, FROM_NETWORK)
    };
    // SAFETY: written; only integers are read.
    (status == 0).then(|| unsafe { bytes.assume_init() })
}
