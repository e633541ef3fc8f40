//! Data in the first segment of a connection (RFC 7413).

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, Result, ensure};
use nix::sys::socket::{MsgFlags, SockaddrStorage, connect, sendto, setsockopt, sockopt};

use super::namespace::Namespace;
use super::stream::{LOOPBACK, push_bytes, read_all};
use super::{Path, Topic, splice};
use crate::load::workload::{Moved, Workload};
use crate::sys::calls;

pub(super) const TOPIC: Topic = Topic {
    name: "fastopen",
    paths: &[
        Path::even("tcp_fastopen", |workload| {
            opened(workload, by_sendto, read_all)
        }),
        Path::even("tcp_fastopen_connect", |workload| {
            opened(workload, by_connect, read_all)
        }),
        Path::even("tcp_fastopen_splice", |workload| {
            opened(workload, by_sendto, splice::out)
        }),
    ],
};

/// What goes with the first segment, and what follows.
const FIRST: usize = 1009;
const REST: usize = 300_007;
/// `TCPI_OPT_SYN_DATA` in `linux/tcp.h`: the peer has acknowledged data in the SYN.
const SYN_DATA: u8 = 32;
/// How often: the first connection only fetches the cookie.
const TIMES: usize = 3;

/// Opens a connection and sends the first bytes with it; returns how many were taken.
type Open = fn(&OwnedFd, SocketAddr) -> Result<usize>;

/// Both ends live in a namespace in which fast open is on for clients and servers.
fn opened(
    workload: &mut Workload,
    open: Open,
    receive: fn(&TcpStream) -> Result<u64>,
) -> Result<()> {
    Namespace::new()?.run(|| {
        std::fs::write("/proc/sys/net/ipv4/tcp_fastopen", "3").context("no fast open")?;
        let listener = TcpListener::bind(LOOPBACK)?;
        calls::set_option(&listener, libc::IPPROTO_TCP, libc::TCP_FASTOPEN, 16)?;
        let to = listener.local_addr()?;
        workload.spawn("receiver", move || {
            let mut rx = 0;
            for _ in 0..TIMES {
                rx += receive(&listener.accept()?.0)?;
            }
            Ok(Moved::received(rx))
        })?;
        workload.spawn("sender", move || {
            let mut tx = 0;
            for time in 0..TIMES {
                let socket = calls::socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
                tx += u64::try_from(open(&socket, to)?)?;
                let stream = TcpStream::from(socket);
                tx += push_bytes(REST, |part| nix::unistd::write(&stream, part))?;
                let fast = calls::tcp_info(&stream)?.tcpi_options & SYN_DATA != 0;
                ensure!(fast == (time > 0), "connection {time} was fast: {fast}");
            }
            Ok(Moved::sent(tx))
        })
    })
}

fn by_sendto(socket: &OwnedFd, to: SocketAddr) -> Result<usize> {
    let flags = MsgFlags::from_bits_retain(libc::MSG_FASTOPEN);
    Ok(sendto(
        socket.as_raw_fd(),
        &[0x5a; FIRST],
        &SockaddrStorage::from(to),
        flags,
    )?)
}

fn by_connect(socket: &OwnedFd, to: SocketAddr) -> Result<usize> {
    setsockopt(socket, sockopt::TcpFastOpenConnect, &true)?;
    connect(socket.as_raw_fd(), &SockaddrStorage::from(to))?;
    Ok(nix::unistd::write(socket, &[0x5a; FIRST])?)
}
