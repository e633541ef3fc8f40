//! UDP sockets with many peers, with themselves as a peer, or for one datagram each.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use anyhow::Result;
use nix::sys::socket::{SockaddrStorage, bind, setsockopt, sockopt};

use super::datagram::{ROOM, by_send, by_sendto, each, pair, receive, roomy};
use super::stream::LOOPBACK;
use super::{Absent, Path, Topic};
use crate::load::workload::{Moved, Workload};
use crate::sys::calls;

pub(super) const TOPIC: Topic = Topic {
    name: "peers",
    paths: &[
        Path::even("udp_tiny_sockets", tiny),
        Path::even("udp_reconnected", reconnected),
        Path::even("udp_self", to_itself),
        Path::even("udp_lite", lite),
        Path::uneven(
            "udp_multicast",
            "two receivers get what was sent once",
            multicast,
        ),
    ],
};

/// Sockets that live for one datagram each, as a resolver makes them.
fn tiny(workload: &mut Workload) -> Result<()> {
    pair(
        workload,
        |_, to| each(|one| Ok(UdpSocket::bind((to.ip(), 0))?.send_to(one, to)?)),
        receive,
    )
}

/// One socket talks to several peers in turn.
fn reconnected(workload: &mut Workload) -> Result<()> {
    let peers = [(); 3].map(|()| roomy(LOOPBACK));
    let mut addresses = Vec::new();
    for peer in peers {
        let peer = peer?;
        addresses.push(peer.local_addr()?);
        workload.spawn("receiver", move || Ok(Moved::received(receive(&peer)?)))?;
    }
    workload.spawn("sender", || {
        let socket = UdpSocket::bind(LOOPBACK)?;
        let mut sent = 0;
        for to in addresses {
            sent += by_send(&socket, to)?;
            calls::disconnect(&socket)?;
        }
        Ok(Moved::sent(sent))
    })
}

/// A socket that is its own peer: one socket, one process, both directions.
fn to_itself(workload: &mut Workload) -> Result<()> {
    workload.spawn("both", || {
        let socket = roomy(LOOPBACK)?;
        let to = socket.local_addr()?;
        Ok(Moved {
            tx: by_send(&socket, to)?,
            rx: receive(&socket)?,
        })
    })
}

/// UDP with a checksum over a part only (RFC 3828).
fn lite(workload: &mut Workload) -> Result<()> {
    let socket = || calls::socket(libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_UDPLITE);
    let Ok(made) = socket() else {
        return Err(Absent("the kernel has no UDP-Lite".to_owned()).into());
    };
    let home = SockaddrStorage::from(LOOPBACK.parse::<SocketAddr>()?);
    setsockopt(&made, sockopt::RcvBufForce, &ROOM)?;
    bind(made.as_raw_fd(), &home)?;
    let receiver = UdpSocket::from(made);
    let to = receiver.local_addr()?;
    workload.spawn("receiver", move || Ok(Moved::received(receive(&receiver)?)))?;
    workload.spawn("sender", || {
        Ok(Moved::sent(by_sendto(&UdpSocket::from(socket()?), to)?))
    })
}

/// Every member of a group gets what is sent to it.
fn multicast(workload: &mut Workload) -> Result<()> {
    let group = Ipv4Addr::new(239, 255, 71, 7);
    let home = Ipv4Addr::LOCALHOST;
    let first = member(SocketAddr::from((group, 0)))?;
    let to = first.local_addr()?;
    for socket in [first, member(to)?] {
        socket.join_multicast_v4(&group, &home)?;
        workload.spawn("receiver", move || Ok(Moved::received(receive(&socket)?)))?;
    }
    workload.spawn("sender", || {
        let socket = UdpSocket::bind((home, 0))?;
        calls::set_multicast_loopback(&socket)?;
        Ok(Moved::sent(by_sendto(&socket, to)?))
    })
}

/// A socket that shares its address with other members of the group.
fn member(at: SocketAddr) -> Result<UdpSocket> {
    let socket = calls::socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    setsockopt(&socket, sockopt::RcvBufForce, &ROOM)?;
    bind(socket.as_raw_fd(), &SockaddrStorage::from(at))?;
    Ok(UdpSocket::from(socket))
}
