//! TCP sockets that are their own peer, change their peer, or carry urgent data.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use anyhow::{Result, ensure};
use nix::sys::socket::{
    MsgFlags, SockaddrStorage, bind, connect, getsockname, recv, send, setsockopt, sockopt,
};

use super::stream::{LOOPBACK, TOTAL, pair, push_bytes, read_all, write_all};
use super::{Path, Topic, splice};
use crate::load::sync::Semaphore;
use crate::load::workload::{Moved, Workload};
use crate::sys::calls;
use crate::sys::wait;

pub(super) const TOPIC: Topic = Topic {
    name: "reconnect",
    paths: &[
        Path::even("tcp_self", to_itself),
        Path::even("tcp_reconnected", |workload| {
            reconnected(workload, read_all)
        }),
        Path::even("tcp_reconnected_splice", |workload| {
            reconnected(workload, splice::out)
        }),
        Path::even("tcp_urgent_inline", urgent_inline),
        Path::even("tcp_urgent", |workload| {
            pair(workload, with_urgent, urgent_first)
        }),
    ],
};

/// A connection from a socket to itself (RFC 9293 calls it a simultaneous open).
fn to_itself(workload: &mut Workload) -> Result<()> {
    workload.spawn("both", || {
        let socket = calls::socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
        let any = SockaddrStorage::from(LOOPBACK.parse::<SocketAddr>()?);
        bind(socket.as_raw_fd(), &any)?;
        let own = getsockname::<SockaddrStorage>(socket.as_raw_fd())?;
        connect(socket.as_raw_fd(), &own)?;
        let stream = TcpStream::from(socket);
        let mut moved = Moved::default();
        for _ in 0..50 {
            moved.tx += push_bytes(1009, |part| nix::unistd::write(&stream, part))?;
            let flags = MsgFlags::MSG_WAITALL;
            moved.rx += u64::try_from(recv(stream.as_raw_fd(), &mut [0; 1009], flags)?)?;
        }
        Ok(moved)
    })
}

const PEERS: usize = 3;

/// One socket is connected to several servers in turn; its sequence numbers start anew each time.
fn reconnected(workload: &mut Workload, receive: fn(&TcpStream) -> Result<u64>) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = SockaddrStorage::from(listener.local_addr()?);
    // Disconnecting discards what the peer has not received yet.
    let taken = Semaphore::new()?;
    workload.spawn("server", || {
        let mut moved = Moved::default();
        for _ in 0..PEERS {
            let (stream, _) = listener.accept()?;
            moved.tx += write_all(&stream)?;
            stream.shutdown(Shutdown::Write)?;
            moved.rx += read_all(&stream)?;
            taken.post(1)?;
        }
        Ok(moved)
    })?;
    workload.spawn("client", || {
        let mut moved = Moved::default();
        let stream = TcpStream::from(calls::socket(libc::AF_INET, libc::SOCK_STREAM, 0)?);
        for _ in 0..PEERS {
            connect(stream.as_raw_fd(), &to)?;
            moved.rx += receive(&stream)?;
            moved.tx += push_bytes(TOTAL / 3, |part| nix::unistd::write(&stream, part))?;
            stream.shutdown(Shutdown::Write)?;
            taken.wait()?;
            calls::disconnect(&stream)?;
        }
        Ok(moved)
    })
}

const URGENT: u8 = b'!';

/// One byte in the middle of the stream is urgent.
fn with_urgent(stream: &TcpStream) -> Result<u64> {
    let before = push_bytes(30_011, |part| nix::unistd::write(stream, part))?;
    let urgent = send(stream.as_raw_fd(), &[URGENT], MsgFlags::MSG_OOB)?;
    let after = push_bytes(30_011, |part| nix::unistd::write(stream, part))?;
    Ok(before + u64::try_from(urgent)? + after)
}

/// The urgent byte stays in the stream.
fn urgent_inline(workload: &mut Workload) -> Result<()> {
    pair(workload, with_urgent, |stream| {
        setsockopt(stream, sockopt::OobInline, &true)?;
        read_all(stream)
    })
}

/// The urgent byte is taken by a call of its own, before the stream around it. (A byte that is
/// never received this way is not tested: TCP discards it, and whether it counts is undefined.)
fn urgent_first(stream: &TcpStream) -> Result<u64> {
    wait::urgent(stream)?;
    let mut byte = [0];
    let n = recv(stream.as_raw_fd(), &mut byte, MsgFlags::MSG_OOB)?;
    ensure!(byte == [URGENT], "{byte:?} is urgent");
    Ok(u64::try_from(n)? + read_all(stream)?)
}
