//! Which TCP, UDP and raw sockets are there? By `SOCK_DIAG_BY_FAMILY` dumps of `inet_diag`.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use netlink_packet_core::NlaBuffer;
use netperf_core::sample::TcpState;
use netperf_core::sample::socket::{Ends, InetEnds, SocketProto, SocketReading, Timer, TimerKind};
use netperf_core::sample::state_set::StateSet;

use crate::netlink::attributes::{self, u32_at};
use crate::netlink::dump::{Conversation, DumpError};
use crate::netlink::sock_diag::{self, SOCK_DESTROY, SOCK_DIAG_BY_FAMILY};
use crate::netlink::tcp_info;

/// `sizeof(struct inet_diag_msg)` (`linux/inet_diag.h`).
const MESSAGE_BYTES: usize = 72;
/// `sizeof(struct inet_diag_req_v2)`.
const REQUEST_BYTES: usize = 56;
/// Where `struct inet_diag_sockid` begins in a request.
const REQUEST_ID: usize = 8;

const INET_DIAG_INFO: u16 = 2;
const INET_DIAG_CONG: u16 = 4;
const INET_DIAG_SKMEMINFO: u16 = 7;
const INET_DIAG_SHUTDOWN: u16 = 8;
const INET_DIAG_SKV6ONLY: u16 = 11;
const INET_DIAG_CGROUP_ID: u16 = 21;

/// Families in which sockets are listed.
const FAMILIES: [u8; 2] = [AF_INET, AF_INET6];
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// How much is told of each socket. The kernel needs three times as long for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Ends, state, queues, owner.
    Basic,
    /// Memory and `tcp_info` as well.
    Full,
}

impl Detail {
    /// Attributes asked for: bit N - 1 stands for attribute N. Those from 9 on come unasked.
    fn extensions(self) -> u8 {
        let bit = |attribute: u16| 1 << (attribute - 1);
        match self {
            Self::Basic => bit(INET_DIAG_SHUTDOWN),
            Self::Full => {
                bit(INET_DIAG_SHUTDOWN)
                    | bit(INET_DIAG_INFO)
                    | bit(INET_DIAG_CONG)
                    | bit(INET_DIAG_SKMEMINFO)
            }
        }
    }
}

/// Lists the sockets of one protocol, both families, into `found`.
pub(in crate::netlink) fn list(
    conversation: &mut Conversation,
    proto: SocketProto,
    states: StateSet,
    detail: Detail,
    found: &mut Vec<SocketReading>,
) -> Result<(), DumpError> {
    for family in FAMILIES {
        let mut request = request(family, proto);
        request[2] = detail.extensions();
        request[4..8].copy_from_slice(&states.kernel_bits().to_ne_bytes());
        conversation.dump(
            SOCK_DIAG_BY_FAMILY,
            SOCK_DIAG_BY_FAMILY,
            &request,
            |payload| {
                found.extend(socket(payload, proto));
            },
        )?;
    }
    Ok(())
}

/// Asks the kernel to abort a socket, as if both ends had given up. Since Linux 4.5 (TCP) and 4.9
/// (UDP and raw), where the kernel was built with `CONFIG_INET_DIAG_DESTROY`.
pub(in crate::netlink) fn destroy(
    conversation: &mut Conversation,
    socket: &SocketReading,
    ends: &InetEnds,
) -> Result<(), DumpError> {
    let family = if ends.is_ipv6 { AF_INET6 } else { AF_INET };
    let mut request = request(family, socket.proto);
    request[4..8].copy_from_slice(&StateSet::ALL.kernel_bits().to_ne_bytes());
    let id = &mut request[REQUEST_ID..];
    id[0..2].copy_from_slice(&ends.local.port().to_be_bytes());
    id[2..4].copy_from_slice(&ends.remote.port().to_be_bytes());
    id[4..20].copy_from_slice(&address_bytes(ends.local.ip(), ends.is_ipv6));
    id[20..36].copy_from_slice(&address_bytes(ends.remote.ip(), ends.is_ipv6));
    id[36..40].copy_from_slice(&ends.interface.to_ne_bytes());
    id[40..48].copy_from_slice(&socket.cookie.to_ne_bytes());
    conversation.order(SOCK_DESTROY, 0, &request)
}

fn request(family: u8, proto: SocketProto) -> [u8; REQUEST_BYTES] {
    let mut request = [0; REQUEST_BYTES];
    request[0] = family;
    request[1] = protocol_number(proto);
    request
}

fn protocol_number(proto: SocketProto) -> u8 {
    match proto {
        SocketProto::Tcp => 6,
        SocketProto::Udp => 17,
        // IPPROTO_RAW stands for every raw socket.
        SocketProto::Raw => 255,
        SocketProto::UnixStream | SocketProto::UnixDgram | SocketProto::UnixSeqpacket => 0,
    }
}

/// The address as `struct inet_diag_sockid` has it; an IPv4 address of an IPv6 socket is mapped, and
/// what is unspecified there is all zero.
fn address_bytes(address: IpAddr, is_ipv6: bool) -> [u8; 16] {
    match address {
        IpAddr::V6(v6) => v6.octets(),
        IpAddr::V4(v4) if is_ipv6 => v4.to_ipv6_mapped().octets(),
        IpAddr::V4(v4) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&v4.octets());
            bytes
        }
    }
}

/// Decodes `struct inet_diag_msg` and the attributes behind it. The namespace is left open.
fn socket(payload: &[u8], proto: SocketProto) -> Option<SocketReading> {
    let (header, attributes) = payload.split_at_checked(MESSAGE_BYTES)?;
    let number = |at: usize| u32_at(header, at);
    let family = header[0];
    let state = TcpState::from_kernel(header[1])?;
    let mut socket = SocketReading {
        proto,
        state,
        ends: Ends::Inet(InetEnds {
            local: end(family, &header[8..24], &header[4..6])?,
            remote: end(family, &header[24..40], &header[6..8])?,
            interface: number(40)?,
            is_ipv6: family == AF_INET6,
            ipv6_only: false,
        }),
        netns: 0,
        inode: number(68).filter(|&inode| inode != 0),
        cookie: u64::from(number(44)?) | u64::from(number(48)?) << 32,
        uid: number(64),
        recv_q: number(56)?,
        send_q: number(60)?,
        timer: timer(header[2], number(52)?, header[3]),
        cgroup_id: None,
        shutdown: None,
        memory: None,
        tcp: None,
    };
    if matches!(state, TcpState::TimeWait | TcpState::SynRecv) {
        // Minisockets keep no user: the kernel writes 0.
        socket.uid = None;
    }
    let mut congestion = None;
    for attribute in attributes::each(attributes) {
        match attribute.kind() {
            INET_DIAG_CONG => congestion = Some(attributes::text(attribute.value())),
            _ => describe(&mut socket, &attribute),
        }
    }
    if let Some(tcp) = &mut socket.tcp {
        tcp.congestion = congestion;
    }
    Some(socket)
}

fn describe(socket: &mut SocketReading, attribute: &NlaBuffer<&[u8]>) {
    let value = attribute.value();
    match attribute.kind() {
        INET_DIAG_INFO if socket.proto == SocketProto::Tcp && socket.state != TcpState::Listen => {
            socket.tcp = Some(Box::new(tcp_info::decode(value)));
        }
        INET_DIAG_SKMEMINFO => socket.memory = sock_diag::memory(value),
        INET_DIAG_SHUTDOWN => socket.shutdown = value.first().copied(),
        INET_DIAG_CGROUP_ID => {
            socket.cgroup_id = value.first_chunk().copied().map(u64::from_ne_bytes);
        }
        INET_DIAG_SKV6ONLY => {
            if let Ends::Inet(ends) = &mut socket.ends {
                ends.ipv6_only = value.first() == Some(&1);
            }
        }
        _ => {}
    }
}

fn end(family: u8, address: &[u8], port: &[u8]) -> Option<SocketAddr> {
    let address = if family == AF_INET6 {
        let v6 = Ipv6Addr::from(*address.first_chunk::<16>()?);
        v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4)
    } else {
        IpAddr::V4(Ipv4Addr::from(*address.first_chunk::<4>()?))
    };
    let port = u16::from_be_bytes(*port.first_chunk()?);
    Some(SocketAddr::new(address, port))
}

/// Numbers of `inet_sk_diag_fill` and `inet_twsk_diag_fill` (`net/ipv4/inet_diag.c`).
fn timer(number: u8, expires_ms: u32, retransmits: u8) -> Option<Timer> {
    let kind = match number {
        1 => TimerKind::On,
        2 => TimerKind::Keepalive,
        3 => TimerKind::Timewait,
        4 => TimerKind::Persist,
        _ => return None,
    };
    Some(Timer {
        kind,
        expires_ms,
        retransmits,
    })
}
