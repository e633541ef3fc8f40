//! What does a probe look like? All probes of a path belong to one flow, whatever routers hash.
//!
//! Routers that have several links choose one by addresses and the first four or eight bytes behind the IP
//! header: the ports, or type, code and checksum of ICMP. These stay the same in all probes. What tells
//! probes apart is where routers do not look, and within the eight bytes that they quote (RFC 792): the
//! sequence number of an ICMP echo, whose payload makes up for the checksum; the checksum of a UDP
//! datagram, made so by its payload; the sequence number of a SYN.

use std::net::IpAddr;

use netperf_core::sample::path::Method;

use super::checksum::Sum;

/// Protocol numbers.
pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMPV6: u8 = 58;

/// Which packets are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    /// Address that this machine sends from.
    pub(super) from: IpAddr,
    /// Destination of the probe.
    pub(super) to: IpAddr,
    /// Protocol of the probe.
    pub(super) method: Method,
    /// Source port of UDP and TCP, identifier of ICMP.
    pub(super) id: u16,
}

/// Which probe it is. Never 0 nor all ones, which are one and the same to a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Token(pub(super) u16);

impl Token {
    /// The one after this.
    pub(super) fn next(self) -> Self {
        match self.0 {
            0xfffe.. => Self(1),
            other => Self(other + 1),
        }
    }
}

impl Flow {
    /// Number of the protocol behind the IP header.
    pub(super) fn protocol(&self) -> u8 {
        match (self.method, self.to) {
            (Method::Icmp, IpAddr::V4(_)) => ICMP,
            (Method::Icmp, IpAddr::V6(_)) => ICMPV6,
            (Method::Udp(_), _) => UDP,
            (Method::Tcp(_), _) => TCP,
        }
    }

    /// The probe behind its IP header, `size` bytes together with that.
    pub(super) fn probe(&self, token: Token, size: u16) -> Vec<u8> {
        let behind = usize::from(size).saturating_sub(self.ip_header());
        match self.method {
            Method::Icmp => self.echo(token, behind),
            Method::Udp(port) => self.datagram(token, port, behind),
            Method::Tcp(port) => self.syn(token, port),
        }
    }

    /// Length of the IP header.
    pub(super) fn ip_header(&self) -> usize {
        if self.to.is_ipv4() { 20 } else { 40 }
    }

    /// What the upper half of a SYN's sequence number is.
    pub(super) fn secret(&self) -> u16 {
        self.id ^ 0x5aa5
    }

    fn echo(&self, token: Token, length: usize) -> Vec<u8> {
        let request = if self.to.is_ipv4() { 8 } else { 128 };
        let mut packet = vec![0; length.max(10)];
        packet[0] = request;
        put(&mut packet, 4, self.id);
        put(&mut packet, 6, token.0);
        // The two words together are nothing to a checksum.
        put(&mut packet, 8, !token.0);
        // Of ICMPv6 the kernel writes it.
        if self.to.is_ipv4() {
            let checksum = Sum::default().bytes(&packet).checksum();
            put(&mut packet, 2, checksum);
        }
        packet
    }

    fn datagram(&self, token: Token, port: u16, length: usize) -> Vec<u8> {
        let mut packet = vec![0; length.max(10)];
        let length = u16::try_from(packet.len()).unwrap_or(u16::MAX);
        put(&mut packet, 0, self.id);
        put(&mut packet, 2, port);
        put(&mut packet, 4, length);
        let sum = Sum::default()
            .pseudo_header(self.from, self.to, UDP, length)
            .bytes(&packet);
        put(&mut packet, 8, sum.missing_for(!token.0));
        put(&mut packet, 6, token.0);
        packet
    }

    fn syn(&self, token: Token, port: u16) -> Vec<u8> {
        const SYN: u16 = 0x5002;
        let mut packet = vec![0; 20];
        put(&mut packet, 0, self.id);
        put(&mut packet, 2, port);
        put(&mut packet, 4, self.secret());
        put(&mut packet, 6, token.0);
        put(&mut packet, 12, SYN);
        put(&mut packet, 14, u16::MAX);
        let sum = Sum::default()
            .pseudo_header(self.from, self.to, TCP, 20)
            .bytes(&packet);
        put(&mut packet, 16, sum.checksum());
        packet
    }
}

/// Writes a word, in network order.
fn put(packet: &mut [u8], at: usize, word: u16) {
    if let Some(place) = packet.get_mut(at..at + 2) {
        place.copy_from_slice(&word.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    fn flow(method: Method, is_v6: bool) -> Flow {
        let (from, to): (IpAddr, IpAddr) = if is_v6 {
            (
                Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into(),
                Ipv6Addr::LOCALHOST.into(),
            )
        } else {
            (
                Ipv4Addr::new(10, 0, 0, 1).into(),
                Ipv4Addr::new(192, 0, 2, 9).into(),
            )
        };
        Flow {
            from,
            to,
            method,
            id: 0xbeef,
        }
    }

    fn is_right(flow: Flow, packet: &[u8]) -> bool {
        let length = u16::try_from(packet.len()).unwrap();
        let sum = if flow.method == Method::Icmp {
            Sum::default()
        } else {
            Sum::default().pseudo_header(flow.from, flow.to, flow.protocol(), length)
        };
        sum.bytes(packet).value() == 0xffff
    }

    proptest! {
        #[test]
        fn checksums_are_right_and_what_routers_hash_stays_the_same(
            token in 1_u16..0xffff, is_v6: bool, size in 64_u16..1_500,
        ) {
            for method in [Method::Icmp, Method::Udp(33_434), Method::Tcp(443)] {
                let flow = flow(method, is_v6);
                let packet = flow.probe(Token(token), size);
                // That of ICMPv6 is the kernel's.
                if !(is_v6 && method == Method::Icmp) {
                    prop_assert!(is_right(flow, &packet), "{method:?} {packet:x?}");
                }
                let other = flow.probe(Token(token).next(), size);
                prop_assert_eq!(&packet[..4], &other[..4]);
                prop_assert!(packet[4..8] != other[4..8]);
                if method != Method::Tcp(443) {
                    prop_assert_eq!(packet.len() + flow.ip_header(), usize::from(size));
                }
            }
        }
    }

    #[test]
    fn the_numbers_of_probes_begin_again_and_leave_out_what_a_checksum_can_not_be() {
        assert_eq!(Token(1).next(), Token(2));
        assert_eq!(Token(0xfffd).next(), Token(0xfffe));
        assert_eq!(Token(0xfffe).next(), Token(1));
    }
}
