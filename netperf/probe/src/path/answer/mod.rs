//! What does a packet that came say about a probe? Anybody can send us anything, so nothing in it is
//! believed that does not fit what was sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netperf_core::sample::path::{Method, Said, Unreachable};

use super::packet::{Flow, Token};

/// An answer to one of our probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// Identifies the probe.
    pub(super) token: Token,
    /// Meaning of the answer.
    pub(super) said: Said,
}

/// A packet as a raw socket gives it: with its IP header for IPv4, without it for IPv6.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'p> {
    /// Sender of the packet.
    pub(super) from: IpAddr,
    /// Whether it came over the socket for ICMP, and not over the one for TCP.
    pub(super) is_icmp: bool,
    /// Bytes of the packet.
    pub(super) bytes: &'p [u8],
}

/// Reads a packet; `None` if it is no answer to a probe of this flow.
pub(super) fn read(packet: Packet<'_>, flow: &Flow) -> Option<Heard> {
    let body = if flow.to.is_ipv4() {
        let header = usize::from(packet.bytes.first()? & 0xf) * 4;
        packet.bytes.get(header.max(20)..)?
    } else {
        packet.bytes
    };
    match (packet.is_icmp, flow.to) {
        (false, _) => segment(body, packet.from, flow),
        (true, IpAddr::V4(_)) => icmp(body, packet.from, flow),
        (true, IpAddr::V6(_)) => icmpv6(body, packet.from, flow),
    }
}

fn icmp(body: &[u8], from: IpAddr, flow: &Flow) -> Option<Heard> {
    let (kind, code) = (*body.first()?, *body.get(1)?);
    let said = match (kind, code) {
        (0, _) => return echo_reply(body, from, flow),
        (11, 0) => Said::Expired,
        (3, 4) => Said::TooBig(word(body, 6).filter(|&mtu| mtu > 0).map(u32::from)),
        (3, 0 | 6 | 11) => Said::Unreachable(Unreachable::Network),
        (3, 1 | 7 | 12) => Said::Unreachable(Unreachable::Host),
        (3, 9 | 10 | 13) => Said::Unreachable(Unreachable::Prohibited),
        (3, _) => Said::Unreachable(Unreachable::Other(kind, code)),
        _ => return None,
    };
    about(quoted_v4(body.get(8..)?, flow)?, said, from, flow)
}

fn icmpv6(body: &[u8], from: IpAddr, flow: &Flow) -> Option<Heard> {
    let (kind, code) = (*body.first()?, *body.get(1)?);
    let said = match (kind, code) {
        (129, _) => return echo_reply(body, from, flow),
        (3, 0) => Said::Expired,
        (2, _) => Said::TooBig(
            body.get(4..8)?
                .first_chunk()
                .copied()
                .map(u32::from_be_bytes)
                .filter(|&mtu| mtu > 0),
        ),
        (1, 0) => Said::Unreachable(Unreachable::Network),
        (1, 3) => Said::Unreachable(Unreachable::Host),
        (1, 1 | 5 | 6) => Said::Unreachable(Unreachable::Prohibited),
        (1, _) => Said::Unreachable(Unreachable::Other(kind, code)),
        _ => return None,
    };
    about(quoted_v6(body.get(8..)?, flow)?, said, from, flow)
}

fn echo_reply(body: &[u8], from: IpAddr, flow: &Flow) -> Option<Heard> {
    let is_ours = flow.method == Method::Icmp && from == flow.to && word(body, 4)? == flow.id;
    let token = Token(word(body, 6)?);
    // What came back must be what was sent.
    (is_ours && word(body, 8)? == !token.0).then_some(Heard {
        token,
        said: Said::Reached,
    })
}

/// A SYN that is answered by the destination, or refused.
fn segment(body: &[u8], from: IpAddr, flow: &Flow) -> Option<Heard> {
    const RST: u8 = 4;
    const SYN: u8 = 2;
    const ACK: u8 = 16;
    let Method::Tcp(port) = flow.method else {
        return None;
    };
    let ports = (word(body, 0)?, word(body, 2)?);
    let acknowledged = body
        .get(8..12)?
        .first_chunk()
        .copied()
        .map(u32::from_be_bytes)?;
    let flags = *body.get(13)?;
    let sequence = acknowledged.wrapping_sub(1).to_be_bytes();
    let [a, b, c, d] = sequence;
    let is_ours = from == flow.to
        && ports == (port, flow.id)
        && flags & ACK != 0
        && u16::from_be_bytes([a, b]) == flow.secret();
    let said = match (flags & RST != 0, flags & SYN != 0) {
        (true, _) => Said::Refused,
        (false, true) => Said::Reached,
        (false, false) => return None,
    };
    is_ours.then_some(Heard {
        token: Token(u16::from_be_bytes([c, d])),
        said,
    })
}

/// What an error says, where `quoted` is the beginning of one of our probes behind its IP header.
fn about(quoted: &[u8], said: Said, from: IpAddr, flow: &Flow) -> Option<Heard> {
    let words = (
        word(quoted, 0)?,
        word(quoted, 2)?,
        word(quoted, 4)?,
        word(quoted, 6)?,
    );
    let token = match flow.method {
        Method::Icmp => (words.2 == flow.id && is_echo(quoted, flow)).then_some(words.3),
        Method::Udp(port) => ((words.0, words.1) == (flow.id, port)).then_some(words.3),
        Method::Tcp(port) => {
            let is_ours = (words.0, words.1, words.2) == (flow.id, port, flow.secret());
            is_ours.then_some(words.3)
        }
    };
    // Whoever says that nobody listens, or that its own filter refuses, is there.
    let is_there = from == flow.to && matches!(said, Said::Unreachable(_));
    let said = match flow.method {
        Method::Tcp(_) if is_there => Said::Refused,
        Method::Icmp | Method::Udp(_) if is_there => Said::Reached,
        Method::Icmp | Method::Udp(_) | Method::Tcp(_) => said,
    };
    Some(Heard {
        token: Token(token?),
        said,
    })
}

fn is_echo(quoted: &[u8], flow: &Flow) -> bool {
    let request = if flow.to.is_ipv4() { 8 } else { 128 };
    quoted.first() == Some(&request)
}

fn quoted_v4<'q>(quote: &'q [u8], flow: &Flow) -> Option<&'q [u8]> {
    let header = usize::from(quote.first()? & 0xf) * 4;
    let protocol = *quote.get(9)?;
    let to: [u8; 4] = *quote.get(16..20)?.first_chunk()?;
    let is_ours = protocol == flow.protocol() && IpAddr::V4(Ipv4Addr::from(to)) == flow.to;
    quote.get(header.max(20)..).filter(|_| is_ours)
}

fn quoted_v6<'q>(quote: &'q [u8], flow: &Flow) -> Option<&'q [u8]> {
    const FRAGMENT: u8 = 44;
    let to: [u8; 16] = *quote.get(24..40)?.first_chunk()?;
    let (protocol, behind) = match *quote.get(6)? {
        // The first fragment of a probe that was larger than the interface's MTU.
        FRAGMENT => (*quote.get(40)?, quote.get(48..)?),
        protocol => (protocol, quote.get(40..)?),
    };
    let is_ours = protocol == flow.protocol() && IpAddr::V6(Ipv6Addr::from(to)) == flow.to;
    Some(behind).filter(|_| is_ours)
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..at + 2)?
        .first_chunk()
        .copied()
        .map(u16::from_be_bytes)
}

#[cfg(any(test, fuzzing))]
mod claims;
#[cfg(test)]
mod tests;

#[cfg(fuzzing)]
pub use self::claims::fuzz;
