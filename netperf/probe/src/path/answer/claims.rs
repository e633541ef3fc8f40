//! What holds of every packet that anybody can send us? For the unit tests and the fuzzer.

use netperf_core::sample::path::Method::{Icmp, Tcp, Udp};

use super::*;

/// To a host of the documentation's networks.
pub(super) fn flow(method: Method, is_v6: bool) -> Flow {
    let (from, to): (IpAddr, IpAddr) = if is_v6 {
        (
            Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into(),
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9).into(),
        )
    } else {
        ([10, 0, 0, 1].into(), [192, 0, 2, 9].into())
    };
    Flow {
        from,
        to,
        method,
        id: 0xbeef,
    }
}

pub(super) const METHODS: [Method; 3] = [Icmp, Udp(33_434), Tcp(443)];

/// An IP header in front of these bytes, as routers quote it.
pub(super) fn in_ip(flow: &Flow, body: &[u8]) -> Vec<u8> {
    match flow.to {
        IpAddr::V4(to) => {
            let mut packet = vec![0; 20];
            packet[0] = 0x45;
            packet[9] = flow.protocol();
            packet[16..20].copy_from_slice(&to.octets());
            [&packet, body].concat()
        }
        IpAddr::V6(to) => {
            let mut packet = vec![0; 40];
            packet[0] = 0x60;
            packet[6] = flow.protocol();
            packet[24..40].copy_from_slice(&to.octets());
            [&packet, body].concat()
        }
    }
}

/// An ICMP error about a probe, as the socket gives it. Routers must quote no more than eight bytes.
pub(super) fn error(flow: &Flow, token: Token, (kind, code): (u8, u8), rest: u32) -> Vec<u8> {
    let probe = flow.probe(token, 64);
    let quoted = in_ip(flow, &probe[..8]);
    let icmp = [&[kind, code, 0, 0], &rest.to_be_bytes()[..], &quoted].concat();
    let outer = Flow {
        method: Icmp,
        ..*flow
    };
    if flow.to.is_ipv4() {
        in_ip(&outer, &icmp)
    } else {
        icmp
    }
}

/// A segment of the destination, as the socket gives it.
pub(super) fn segment(flow: &Flow, flags: u8, acknowledged: u32) -> Vec<u8> {
    let port = if let Tcp(port) = flow.method { port } else { 0 };
    let mut segment = vec![0; 20];
    segment[..2].copy_from_slice(&port.to_be_bytes());
    segment[2..4].copy_from_slice(&flow.id.to_be_bytes());
    segment[8..12].copy_from_slice(&acknowledged.to_be_bytes());
    segment[13] = flags;
    if flow.to.is_ipv4() {
        in_ip(flow, &segment)
    } else {
        segment
    }
}

/// Answers of all kinds to a probe.
pub(super) fn valid(flow: &Flow) -> Vec<Vec<u8>> {
    let token = Token(0x1234);
    let errors: &[(u8, u8)] = if flow.to.is_ipv4() {
        &[(11, 0), (3, 3), (3, 4), (3, 13)]
    } else {
        &[(3, 0), (1, 4), (2, 0), (1, 1)]
    };
    let errors = errors.iter().map(|&kind| error(flow, token, kind, 1_400));
    let echo = Flow {
        method: Icmp,
        ..*flow
    };
    let mut reply = echo.probe(token, 64);
    reply[0] = if flow.to.is_ipv4() { 0 } else { 129 };
    if flow.to.is_ipv4() {
        reply = in_ip(&echo, &reply);
    }
    let acknowledged = u32::from(flow.secret()) << 16 | 0x1235;
    let segments = [0x12, 0x14].map(|flags| segment(flow, flags, acknowledged));
    errors.chain([reply]).chain(segments).collect()
}

/// Reads a packet, and panics if something is believed that can't be.
pub(super) fn hold(packet: Packet<'_>, flow: &Flow) {
    let Some(heard) = read(packet, flow) else {
        return;
    };
    let has = |word: u16| packet.bytes.windows(2).any(|it| it == word.to_be_bytes());
    assert!(has(flow.id), "nobody who does not know the flow can answer");
    match heard.said {
        Said::Reached => assert_eq!(packet.from, flow.to),
        Said::Refused => {
            assert_eq!(packet.from, flow.to);
            assert!(matches!(flow.method, Tcp(_)), "{flow:?}");
        }
        Said::TooBig(mtu) => assert_ne!(mtu, Some(0), "no packet fits"),
        Said::Expired | Said::Unreachable(_) => {}
    }
}

/// For `tests/fuzz`. The first byte says which flow, which packet is damaged and from whom it is.
#[cfg(fuzzing)]
pub fn fuzz(bytes: &[u8]) {
    let Some((&choice, script)) = bytes.split_first() else {
        return;
    };
    let flow = flow(METHODS[usize::from(choice % 3)], choice & 4 != 0);
    let packet = netperf_core::mutate::one_patched(&valid(&flow), choice >> 4, script);
    for is_icmp in [true, false] {
        for from in [flow.to, flow.from] {
            hold(
                Packet {
                    from,
                    is_icmp,
                    bytes: &packet,
                },
                &flow,
            );
        }
    }
}
