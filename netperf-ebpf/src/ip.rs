//! Reads IP headers, up to the header of the transport protocol. Offsets count from the network header.

use core::mem::MaybeUninit;

use aya_ebpf::{bindings::__sk_buff, helpers::generated::bpf_skb_load_bytes_relative};

/// `BPF_HDR_START_NET`: the helper counts from the network header.
const FROM_NETWORK: u32 = 1;

/// `ETH_P_IP` as a packet has it.
pub const IPV4: u32 = 0x0800_u16.to_be() as u32;
/// `ETH_P_IPV6` as a packet has it.
pub const IPV6: u32 = 0x86dd_u16.to_be() as u32;

/// `IPPROTO_TCP`.
pub const TCP: u8 = 6;
/// `IPPROTO_UDP`.
pub const UDP: u8 = 17;

/// Where an IPv4 header has both addresses.
pub const IPV4_ADDRESSES: u32 = 12;
/// Where an IPv6 header has both addresses.
pub const IPV6_ADDRESSES: u32 = 8;

/// Bytes of a UDP header.
pub const UDP_HEADER: u32 = 8;

/// Bytes of an IPv6 header without extension headers.
const IPV6_HEADER: u32 = 40;

/// Extension headers of IPv6, and how many are read.
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION: u8 = 60;
const EXTENSIONS: u32 = 4;

/// The fields of a fragment that say that others follow, and where it begins.
const MORE_V4: u16 = 0x2000;
const OFFSET_V4: u16 = 0x1fff;
const MORE_V6: u16 = 1;
const OFFSET_V6: u16 = 0xfff8;

/// The IP header of a packet of TCP or UDP.
#[derive(Clone, Copy)]
pub struct Header {
    /// 4 or 6.
    pub version: u8,
    /// [`TCP`] or [`UDP`].
    pub protocol: u8,
    /// Where the transport header begins.
    pub transport: u32,
    /// Bytes of the whole packet; 0 where the header has no room for the number.
    pub length: u32,
    /// A fragment that is not the first: it has no transport header.
    pub is_later_fragment: bool,
    /// A fragment that others follow, with the transport header.
    pub is_first_fragment: bool,
    /// The same for all fragments of a packet between two addresses.
    pub identification: u32,
}

impl Header {
    /// Reads the header; `None` for what is neither TCP nor UDP.
    #[inline(always)]
    #[expect(
        clippy::not_unsafe_ptr_arg_deref,
        reason = "the verifier admits no pointer but the context"
    )]
    pub fn read(skb: *mut __sk_buff) -> Option<Self> {
        // SAFETY: a field of the context.
        let header = match unsafe { (*skb).protocol } {
            IPV4 => ipv4(skb)?,
            IPV6 => ipv6(skb)?,
            _ => return None,
        };
        matches!(header.protocol, TCP | UDP).then_some(header)
    }
}

#[inline(always)]
fn ipv4(skb: *mut __sk_buff) -> Option<Header> {
    let start: [u8; 10] = load(skb, 0)?;
    let fragment = u16::from_be_bytes([start[6], start[7]]);
    let offset = fragment & OFFSET_V4;
    Some(Header {
        version: 4,
        protocol: start[9],
        transport: u32::from(start[0] & 0xf) * 4,
        length: u16::from_be_bytes([start[2], start[3]]).into(),
        is_later_fragment: offset != 0,
        is_first_fragment: offset == 0 && fragment & MORE_V4 != 0,
        identification: u16::from_ne_bytes([start[4], start[5]]).into(),
    })
}

/// With extension headers: the kernel itself adds one to what is longer than 64 KiB.
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
                let fragment: [u8; 8] = load(skb, transport)?;
                let [next, _, high, low, id @ ..] = fragment;
                protocol = next;
                transport += 8;
                place = u16::from_be_bytes([high, low]);
                identification = u32::from_ne_bytes(id);
            }
            _ => break,
        }
    }
    Some(Header {
        version: 6,
        protocol,
        transport,
        length: if length == 0 {
            0
        } else {
            u32::from(length) + IPV6_HEADER
        },
        is_later_fragment: place & OFFSET_V6 != 0,
        is_first_fragment: place & OFFSET_V6 == 0 && place & MORE_V6 != 0,
        identification,
    })
}

/// A type that any bytes are a value of.
///
/// # Safety
/// It has neither padding nor patterns of bits that are no value.
pub unsafe trait AnyBits: Copy {}

// SAFETY: an integer.
unsafe impl AnyBits for u8 {}
// SAFETY: an integer.
unsafe impl AnyBits for u16 {}
// SAFETY: an integer.
unsafe impl AnyBits for u32 {}
// SAFETY: nothing but its elements, of which any bits are a value.
unsafe impl<T: AnyBits, const N: usize> AnyBits for [T; N] {}

/// Copies bytes out of the linear part of a packet, where drivers and the kernel put headers; `None` of what lies in
/// its pages (`bpf_skb_load_bytes_relative` in `net/core/filter.c`).
#[inline(always)]
pub fn load<T: AnyBits>(skb: *mut __sk_buff, offset: u32) -> Option<T> {
    let mut bytes = MaybeUninit::<T>::zeroed();
    let (to, length) = (bytes.as_mut_ptr().cast(), size_of::<T>() as u32);
    // SAFETY: there is room for `length` bytes, and the helper checks that the packet has as many.
    let status = unsafe {
        bpf_skb_load_bytes_relative(skb.cast_const().cast(), offset, to, length, FROM_NETWORK)
    };
    // SAFETY: the helper has written all of it, and any bits are a value.
    (status == 0).then(|| unsafe { bytes.assume_init() })
}
