//! What do the kernel's addresses and states mean? From raw layouts to the types of a sample.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use netperf_common::flow::{AF_INET6, FlowKey, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE};
use netperf_core::sample::{FlowReading, Process, Proto, TcpState};

use crate::bpf::FlowTotals;

/// A flow as a sample lists it.
///
/// `losses` says whether anybody asks for what is lost.
pub(super) fn flow_reading(
    totals: &FlowTotals,
    process: Arc<Process>,
    losses: bool,
) -> FlowReading {
    let key = &totals.key;
    let is_tcp = key.protocol == IPPROTO_TCP;
    FlowReading {
        id: totals.id,
        process,
        proto: match key.protocol {
            IPPROTO_UDP | IPPROTO_UDPLITE => Proto::Udp,
            _ => Proto::Tcp,
        },
        local: local_end(key),
        remote: remote_end(key),
        netns: key.netns,
        tx_bytes: totals.tx_bytes,
        rx_bytes: totals.rx_bytes,
        state: is_tcp
            .then(|| TcpState::from_kernel(totals.state))
            .flatten(),
        srtt_us: Some(totals.srtt_us).filter(|&us| is_tcp && us > 0),
        retrans: is_tcp.then_some(totals.retrans),
        retransmitted: totals.retransmitted,
        losses: Some(totals.losses).filter(|_| is_tcp && losses),
        closed: totals.closed,
    }
}

/// This end of a connection.
pub(super) fn local_end(key: &FlowKey) -> SocketAddr {
    address(key.family, key.local_addr, key.local_port)
}

/// The other end of a connection.
pub(super) fn remote_end(key: &FlowKey) -> SocketAddr {
    address(key.family, key.remote_addr, key.remote_port)
}

/// v4-mapped addresses are given as IPv4.
fn address(family: u16, bytes: [u8; 16], port: u16) -> SocketAddr {
    let address = if family == AF_INET6 {
        let v6 = Ipv6Addr::from(bytes);
        v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4)
    } else {
        let [a, b, c, d, ..] = bytes;
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    SocketAddr::new(address, port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netperf_common::flow::AF_INET;

    #[test]
    fn a_mapped_address_is_shown_as_ipv4() {
        let mapped = Ipv4Addr::new(10, 0, 0, 5).to_ipv6_mapped().octets();
        assert_eq!(address(AF_INET6, mapped, 80).to_string(), "10.0.0.5:80");
    }

    #[test]
    fn an_ipv4_address_is_in_the_first_four_bytes() {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&[192, 168, 0, 1]);
        assert_eq!(address(AF_INET, bytes, 22).to_string(), "192.168.0.1:22");
    }
}
