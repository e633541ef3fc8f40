//! How do probes leave and answers come in? Raw sockets; each answer has the time at which the kernel
//! received it, so that a busy machine does not make the network slow.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use netperf_core::clock::{self, MonoNs, WallNs};
use netperf_core::sample::path::Method;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use nix::sys::time::TimeSpec;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::answer::{self, Heard, Packet};
use super::filter;
use super::packet::{Flow, ICMP, ICMPV6, Token};

/// Largest packet that may come.
const PACKET_MAX: usize = 65_535;

/// No packet waits longer to be read.
const LATE_MAX_NS: u64 = 10_000_000_000;

/// How packets that are larger than the way may be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fragments {
    /// They are cut where they have to.
    Allowed,
    /// They must not be cut, and what the kernel remembers of the way does not count.
    Never,
}

/// The sockets of one flow, in the network namespace that they were opened in.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) flow: Flow,
    target: SockAddr,
    sender: Socket,
    /// For ICMP, where that is not the sender.
    icmp: Option<Socket>,
    /// Keeps the port from others.
    _port: Option<Socket>,
    buffer: Vec<u8>,
}

/// An answer and who sent it when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) heard: Heard,
    pub(super) from: IpAddr,
    pub(super) at: MonoNs,
}

impl Wire {
    /// Opens the sockets. `CAP_NET_RAW` is needed.
    ///
    /// # Errors
    /// When the kernel refuses them, or has no route.
    pub(super) fn open(
        target: SocketAddr,
        method: Method,
        fragments: Fragments,
    ) -> io::Result<Self> {
        let from = source_of(target)?;
        let (id, port) = match method {
            Method::Icmp => (identifier(), None),
            Method::Udp(_) => reserved(from, Type::DGRAM, Protocol::UDP)?,
            Method::Tcp(_) => reserved(from, Type::STREAM, Protocol::TCP)?,
        };
        let flow = Flow {
            from: from.ip(),
            to: target.ip(),
            method,
            id,
        };
        let sender = raw(target, flow.protocol())?;
        let icmp_protocol = if target.is_ipv4() { ICMP } else { ICMPV6 };
        let icmp = match method {
            Method::Icmp => None,
            Method::Udp(_) | Method::Tcp(_) => Some(raw(target, icmp_protocol)?),
        };
        match method {
            Method::Icmp => {}
            Method::Udp(_) => sender.attach_filter(&filter::NOTHING)?,
            Method::Tcp(port) => sender.attach_filter(&filter::segments(target, port, id))?,
        }
        set_fragments(&sender, target, fragments)?;
        // Port 0: of a raw IPv6 socket's address it would have to be the protocol.
        let mut unported = target;
        unported.set_port(0);
        Ok(Self {
            flow,
            target: unported.into(),
            sender,
            icmp,
            _port: port,
            buffer: vec![0; PACKET_MAX],
        })
    }

    /// Sends a probe, and tells when.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn send(&self, token: Token, ttl: u8, size: u16) -> io::Result<MonoNs> {
        let packet = self.flow.probe(token, size);
        if self.flow.to.is_ipv4() {
            self.sender.set_ttl_v4(ttl.into())?;
        } else {
            self.sender.set_unicast_hops_v6(ttl.into())?;
        }
        let now = clock::now().0;
        self.sender.send_to(&packet, &self.target)?;
        Ok(now)
    }

    /// Waits for packets, no longer than this.
    ///
    /// # Errors
    /// When the kernel refuses to wait.
    pub(super) fn wait(&self, at_most: Duration) -> io::Result<()> {
        let mut sockets: Vec<_> = self
            .receivers()
            .map(|(socket, _)| PollFd::new(socket, PollFlags::IN))
            .collect();
        let timeout = Timespec::try_from(at_most).map_err(io::Error::other)?;
        match poll(&mut sockets, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The next answer that has come; `None` if there is none by now.
    pub(super) fn receive(&mut self) -> Option<Arrival> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let found = self.receivers().find_map(|(socket, is_icmp)| {
            // What is no answer to a probe of ours is passed over.
            std::iter::from_fn(|| next_packet(socket, &mut buffer))
                .find_map(|came| self.answer(&came.bytes, came.from, is_icmp, came.at))
        });
        self.buffer = buffer;
        found
    }

    fn answer(&self, bytes: &[u8], from: IpAddr, is_icmp: bool, at: MonoNs) -> Option<Arrival> {
        let packet = Packet {
            from,
            is_icmp,
            bytes,
        };
        let heard = answer::read(packet, &self.flow)?;
        Some(Arrival { heard, from, at })
    }

    /// Sockets that answers come by, and whether these are ICMP.
    fn receivers(&self) -> impl Iterator<Item = (&Socket, bool)> {
        let sender = match self.flow.method {
            Method::Icmp => Some((&self.sender, true)),
            Method::Tcp(_) => Some((&self.sender, false)),
            Method::Udp(_) => None,
        };
        sender
            .into_iter()
            .chain(self.icmp.as_ref().map(|icmp| (icmp, true)))
    }
}

struct Came {
    bytes: Vec<u8>,
    from: IpAddr,
    at: MonoNs,
}

/// Errors of a raw socket are about packets sent before, which ICMP tells better.
fn next_packet(socket: &Socket, buffer: &mut [u8]) -> Option<Came> {
    let mut space = nix::cmsg_space!(TimeSpec);
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_DONTWAIT;
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags).ok()?;
    let address = message.address?;
    let from = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
        (Some(v4), _) => IpAddr::V4(v4.ip()),
        (None, Some(v6)) => IpAddr::V6(v6.ip()),
        (None, None) => return None,
    };
    let stamped = message
        .cmsgs()
        .ok()
        .and_then(|mut all| all.find_map(|one| stamp(&one)));
    let length = message.bytes;
    let at = arrival(stamped);
    Some(Came {
        bytes: buffer.get(..length)?.to_vec(),
        from,
        at,
    })
}

fn stamp(message: &ControlMessageOwned) -> Option<WallNs> {
    let ControlMessageOwned::ScmTimestampns(time) = *message else {
        return None;
    };
    u64::try_from(Duration::from(time).as_nanos())
        .ok()
        .map(WallNs)
}

/// The kernel stamps with the wall clock: how long ago that is counts, unless the clock was set meanwhile.
fn arrival(stamped: Option<WallNs>) -> MonoNs {
    let (now, wall) = clock::now();
    let ago = stamped.and_then(|stamped| wall.0.checked_sub(stamped.0));
    let ago = ago.filter(|&ago| ago < LATE_MAX_NS).unwrap_or(0);
    MonoNs(now.0.saturating_sub(ago))
}

fn raw(target: SocketAddr, protocol: u8) -> io::Result<Socket> {
    let protocol = Protocol::from(i32::from(protocol));
    let socket = Socket::new(Domain::for_address(target), Type::RAW, Some(protocol))?;
    socket.set_nonblocking(true)?;
    setsockopt(&socket.as_fd(), sockopt::ReceiveTimestampns, &true)?;
    Ok(socket)
}

/// The address that packets to `target` leave from.
fn source_of(target: SocketAddr) -> io::Result<SocketAddr> {
    const ANY_PORT: u16 = 33_434;
    let any: IpAddr = if target.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((any, 0))?;
    let mut target = target;
    target.set_port(ANY_PORT);
    socket.connect(target)?;
    socket.local_addr()
}

/// A port that nobody else has meanwhile, and what holds it.
fn reserved(from: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<(u16, Option<Socket>)> {
    let socket = Socket::new(Domain::for_address(from), kind, Some(protocol))?;
    let mut any_port = from;
    any_port.set_port(0);
    socket.bind(&any_port.into())?;
    let port = socket
        .local_addr()?
        .as_socket()
        .map_or(0, |address| address.port());
    Ok((port, Some(socket)))
}

/// Differs between all paths that are probed at the same time, here and in other runs.
fn identifier() -> u16 {
    let seed = clock::now().0.0 ^ u64::from(std::process::id()) << 16;
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u16::try_from(mixed >> 48).unwrap_or(1)
}

fn set_fragments(socket: &Socket, target: SocketAddr, fragments: Fragments) -> io::Result<()> {
    #![expect(unsafe_code, reason = "no crate in use has this option")]
    let (level, name) = if target.is_ipv4() {
        (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER)
    } else {
        (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER)
    };
    let value: libc::c_int = match fragments {
        Fragments::Allowed => libc::IP_PMTUDISC_DONT,
        Fragments::Never => libc::IP_PMTUDISC_PROBE,
    };
    let length = libc::socklen_t::try_from(size_of_val(&value)).map_err(io::Error::other)?;
    let descriptor = socket.as_raw_fd();
    // SAFETY: `value` is an int, lives through the call, and `length` is its size.
    let status =
        unsafe { libc::setsockopt(descriptor, level, name, (&raw const value).cast(), length) };
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
