//! Address families, and both mixed.

use std::net::{SocketAddr, TcpListener, UdpSocket};

use anyhow::{Context, Result};
use nix::sys::socket::{SockaddrStorage, setsockopt, sockopt};
use std::os::fd::AsRawFd;

use super::datagram::{self, by_send, by_sendto, receive};
use super::splice;
use super::stream::{self, LOOPBACK, connect, pair_at, read_all, write_all};
use super::{Path, Topic};
use crate::load::workload::{Moved, Workload};
use crate::sys::calls;

const LOOPBACK6: &str = "[::1]:0";
const MAPPED: &str = "[::ffff:127.0.0.1]:0";
const ANY6: &str = "[::]:0";

pub(super) const TOPIC: Topic = Topic {
    name: "family",
    paths: &[
        Path::even("tcp_v6", |workload| {
            pair_at(workload, LOOPBACK6, write_all, read_all)
        }),
        Path::even("tcp_v6_splice", |workload| {
            pair_at(workload, LOOPBACK6, splice::by_sendfile, splice::out)
        }),
        Path::even("tcp_mapped_both", |workload| {
            pair_at(workload, MAPPED, write_all, read_all)
        }),
        Path::even("tcp_mapped_client", mapped_client),
        Path::even("tcp_mapped_server", mapped_server),
        Path::even("udp_v6_connected", |workload| {
            datagram::pair_at(workload, LOOPBACK6, by_send, receive)
        }),
        Path::even("udp_v6_unconnected", |workload| {
            datagram::pair_at(workload, LOOPBACK6, by_sendto, receive)
        }),
        Path::even("udp_mapped_connected", |workload| {
            udp_mapped(workload, by_send)
        }),
        Path::even("udp_mapped_unconnected", |workload| {
            udp_mapped(workload, by_sendto)
        }),
        Path::even("udp_mapped_server", udp_mapped_server),
    ],
};

/// The IPv4 address `at` as an IPv6 socket names it.
fn mapped(at: SocketAddr) -> SocketAddr {
    match at {
        SocketAddr::V4(v4) => SocketAddr::from((v4.ip().to_ipv6_mapped(), v4.port())),
        SocketAddr::V6(_) => at,
    }
}

fn mapped_client(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    stream::pair_over(
        workload,
        listener,
        |to| connect(mapped(to)),
        write_all,
        read_all,
    )
}

/// A server on `[::]` whose client speaks IPv4.
fn mapped_server(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(ANY6)?;
    let v4 = |to: SocketAddr| connect(SocketAddr::from(([127, 0, 0, 1], to.port())));
    stream::pair_over(workload, listener, v4, write_all, read_all)
}

/// The sender's socket is IPv6, its peer IPv4: both of the kernel's send functions run.
fn udp_mapped(
    workload: &mut Workload,
    send: fn(&UdpSocket, SocketAddr) -> Result<u64>,
) -> Result<()> {
    let socket = datagram::roomy(LOOPBACK)?;
    let to = mapped(socket.local_addr()?);
    workload.spawn("receiver", move || Ok(Moved::received(receive(&socket)?)))?;
    workload.spawn("sender", || {
        Ok(Moved::sent(send(&UdpSocket::bind(ANY6)?, to)?))
    })
}

fn udp_mapped_server(workload: &mut Workload) -> Result<()> {
    let socket = UdpSocket::from(calls::socket(libc::AF_INET6, libc::SOCK_DGRAM, 0)?);
    setsockopt(&socket, sockopt::Ipv6V6Only, &false)?;
    setsockopt(&socket, sockopt::RcvBufForce, &datagram::ROOM)?;
    let any = SockaddrStorage::from(ANY6.parse::<SocketAddr>().context("a constant")?);
    nix::sys::socket::bind(socket.as_raw_fd(), &any)?;
    let to = SocketAddr::from(([127, 0, 0, 1], socket.local_addr()?.port()));
    workload.spawn("receiver", move || Ok(Moved::received(receive(&socket)?)))?;
    workload.spawn("sender", || {
        Ok(Moved::sent(by_sendto(&UdpSocket::bind(LOOPBACK)?, to)?))
    })
}
