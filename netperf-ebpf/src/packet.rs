//! The two ends of a packet, read from its headers where no socket tells them.

use netperf_common::flow::{AF_INET, AF_INET6, FlowKey};

use crate::{
    kernel::{Address, Struct as _, offset, packet, probe},
    sock::v4,
};

/// Where an IPv4 header has the protocol and both addresses, and where an IPv6 header has them.
const V4: (u32, u32, u32) = (9, 12, 16);
const V6: (u32, u32, u32) = (6, 8, 24);

/// The lowest bit of a packet's route: it is borrowed.
const BORROWED: u64 = 1;

/// The ends of a packet that has arrived: the sender is remote. What it does not tell stays zero.
#[inline(always)]
pub(crate) fn ends_of_arrived(skb: Address) -> FlowKey {
    let mut key = FlowKey {
        netns: netns(skb),
        ..FlowKey::default()
    };
    let head = skb.target(packet!(head));
    if head.address().is_null() {
        return key;
    }
    let network = u32::from(skb.field::<u16>(packet!(network_header)));
    let transport = u32::from(skb.field::<u16>(packet!(transport_header)));
    match head.field::<u8>(network) >> 4 {
        4 => {
            key.family = AF_INET;
            key.protocol = head.field::<u8>(network + V4.0).into();
            key.remote_addr = v4(head.field(network + V4.1));
            key.local_addr = v4(head.field(network + V4.2));
        }
        6 => {
            key.family = AF_INET6;
            key.protocol = head.field::<u8>(network + V6.0).into();
            key.remote_addr = probe(head.address(), network + V6.1);
            key.local_addr = probe(head.address(), network + V6.2);
        }
        _ => return key,
    }
    key.remote_port = u16::from_be(head.field(transport));
    key.local_port = u16::from_be(head.field(transport + 2));
    key
}

/// The network namespace that a packet was routed in; 0 where it has no route.
#[inline(always)]
fn netns(skb: Address) -> u32 {
    let route = skb.field::<u64>(packet!(sk_refdst)) & !BORROWED;
    if route == 0 {
        return 0;
    }
    let device = Address(route as *const core::ffi::c_void).target(packet!(dst_entry_dev));
    let net = device.target(packet!(net_device_nd_net));
    net.field(offset!(net_ns_inum))
}
