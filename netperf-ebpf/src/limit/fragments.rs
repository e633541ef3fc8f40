//! Tells whose a later fragment is: only the first fragment of a packet has ports.

use aya_ebpf::bindings::__sk_buff;
use netperf_ebpf::ip::{Header, IPV4_ADDRESSES, IPV6_ADDRESSES, load};

use crate::maps::{FRAGMENTS, FragmentKey};

/// Remembers that the packet that this fragment begins is for a limited socket.
#[inline(always)]
pub(crate) fn remember(skb: *mut __sk_buff, header: &Header) {
    if let Some(key) = of(skb, header) {
        // Where there is no room, the rest is not held up.
        let _ = FRAGMENTS.insert(key, 1, 0);
    }
}

/// Whether that was remembered of the packet that this is a later fragment of. One that comes before the first
/// is not held up, but of no use to anybody until that has come.
#[inline(always)]
pub(crate) fn is_remembered(skb: *mut __sk_buff, header: &Header) -> bool {
    // SAFETY: only whether it is there is asked.
    of(skb, header).is_some_and(|key| unsafe { FRAGMENTS.get(key) }.is_some())
}

#[inline(always)]
fn of(skb: *mut __sk_buff, header: &Header) -> Option<FragmentKey> {
    let mut key = FragmentKey {
        ends: [0; 8],
        identification: header.identification,
        protocol: header.protocol.into(),
    };
    if header.version == 4 {
        [key.ends[0], key.ends[1]] = load(skb, IPV4_ADDRESSES)?;
    } else {
        key.ends = load(skb, IPV6_ADDRESSES)?;
    }
    Some(key)
}
