//! Sockets that are older than the tracer.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;

use anyhow::{Result, ensure};
use nix::sys::socket::{MsgFlags, SockaddrStorage, recv};

use super::datagram;
use super::stream::{LOOPBACK, connect, push_bytes, read_all, write_all};
use super::{Path, Topic, splice};
use crate::load::sync::Barrier;
use crate::load::workload::{Moved, Workload};
use crate::sys::calls;
use crate::sys::wait;

pub(super) const TOPIC: Topic = Topic {
    name: "early",
    paths: &[
        Path::even("early_tcp_used", |workload| used(workload, read_all)).gated(),
        Path::even("early_tcp_splice_first", |workload| {
            used(workload, splice::out)
        })
        .gated(),
        Path::even("early_tcp_peek_first", |workload| {
            used(workload, peek_then_splice)
        })
        .gated(),
        Path::even("early_tcp_trunc_first", |workload| {
            used(workload, trunc_then_read)
        })
        .gated(),
        Path::even("early_tcp_blocked_read", blocked).gated(),
        Path::even("early_tcp_listener", listening).gated(),
        Path::even("early_tcp_unconnected", unconnected).gated(),
        Path::uneven("early_tcp_backlog", PENDING, backlog).gated(),
        Path::uneven("early_tcp_pending", PENDING, |workload| {
            pending(workload, read_all)
        })
        .gated(),
        Path::uneven("early_tcp_pending_splice", PENDING, |workload| {
            pending(workload, splice::out)
        })
        .gated(),
        Path::uneven("early_udp_pending", PENDING, udp).gated(),
    ],
};

const PENDING: &str = "a part was sent before the tracer started and read after";
/// What moves before the tracer starts: small enough to wait in the receiver's buffer.
const BEFORE: usize = 30_011;

fn send_before(stream: &TcpStream) -> Result<()> {
    push_bytes(BEFORE, |part| nix::unistd::write(stream, part)).map(drop)
}

/// Both ends have moved bytes already; the first call that the tracer sees is one of `receive`.
fn used(workload: &mut Workload, receive: fn(&TcpStream) -> Result<u64>) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    let barrier = Barrier::new()?;
    workload.spawn("receiver", || {
        let (stream, _) = listener.accept()?;
        recv(
            stream.as_raw_fd(),
            &mut vec![0; BEFORE],
            MsgFlags::MSG_WAITALL,
        )?;
        barrier.wait()?;
        Ok(Moved::received(receive(&stream)?))
    })?;
    workload.spawn("sender", || {
        let stream = connect(to)?;
        send_before(&stream)?;
        barrier.wait()?;
        Ok(Moved::sent(write_all(&stream)?))
    })?;
    workload.release(&barrier, 2)
}

fn peek_then_splice(stream: &TcpStream) -> Result<u64> {
    recv(stream.as_raw_fd(), &mut [0; 4099], MsgFlags::MSG_PEEK)?;
    splice::out(stream)
}

fn trunc_then_read(stream: &TcpStream) -> Result<u64> {
    let n = recv(stream.as_raw_fd(), &mut [0; 4099], MsgFlags::MSG_TRUNC)?;
    Ok(u64::try_from(n)? + read_all(stream)?)
}

/// The receiver has been waiting in its call since before the tracer started.
fn blocked(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    let barrier = Barrier::new()?;
    workload.spawn("receiver", || {
        let (stream, _) = listener.accept()?;
        barrier.arrive()?;
        Ok(Moved::received(read_all(&stream)?))
    })?;
    workload.spawn("sender", || {
        let stream = connect(to)?;
        barrier.wait()?;
        Ok(Moved::sent(write_all(&stream)?))
    })?;
    workload.release(&barrier, 2)
}

fn listening(workload: &mut Workload) -> Result<()> {
    let barrier = Barrier::new()?;
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    workload.spawn("receiver", || {
        barrier.arrive()?;
        Ok(Moved::received(splice::out(&listener.accept()?.0)?))
    })?;
    workload.spawn("sender", || {
        barrier.wait()?;
        Ok(Moved::sent(write_all(&connect(to)?)?))
    })?;
    workload.release(&barrier, 2)
}

/// The client's socket exists, but is connected only when the tracer runs.
fn unconnected(workload: &mut Workload) -> Result<()> {
    let barrier = Barrier::new()?;
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = SockaddrStorage::from(listener.local_addr()?);
    workload.spawn("receiver", || {
        Ok(Moved::received(read_all(&listener.accept()?.0)?))
    })?;
    workload.spawn("sender", || {
        let socket = calls::socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
        barrier.wait()?;
        nix::sys::socket::connect(socket.as_raw_fd(), &to)?;
        Ok(Moved::sent(write_all(&TcpStream::from(socket))?))
    })?;
    workload.release(&barrier, 1)
}

/// The connection waits, with data, to be accepted.
fn backlog(workload: &mut Workload) -> Result<()> {
    let barrier = Barrier::new()?;
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    workload.spawn("receiver", || {
        barrier.wait()?;
        Ok(Moved::received(read_all(&listener.accept()?.0)?))
    })?;
    workload.spawn("sender", || {
        let stream = connect(to)?;
        send_before(&stream)?;
        barrier.wait()?;
        Ok(Moved::sent(write_all(&stream)?))
    })?;
    workload.release(&barrier, 2)
}

/// The sender has ended and its data waits in the receiver's buffer.
fn pending(workload: &mut Workload, receive: fn(&TcpStream) -> Result<u64>) -> Result<()> {
    let barrier = Barrier::new()?;
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    workload.spawn("receiver", || {
        let (stream, _) = listener.accept()?;
        wait::peer_end(&stream)?;
        barrier.wait()?;
        let rx = receive(&stream)?;
        ensure!(rx == u64::try_from(BEFORE)?, "{rx} bytes waited");
        Ok(Moved::received(rx))
    })?;
    workload.spawn("sender", || {
        send_before(&connect(to)?)?;
        barrier.wait()?;
        Ok(Moved::default())
    })?;
    workload.release(&barrier, 2)
}

/// Datagrams wait in the receiver's buffer; more come when the tracer runs.
fn udp(workload: &mut Workload) -> Result<()> {
    let barrier = Barrier::new()?;
    let socket = datagram::roomy(LOOPBACK)?;
    let to = socket.local_addr()?;
    workload.spawn("receiver", || {
        barrier.wait()?;
        Ok(Moved::received(
            datagram::receive(&socket)? + datagram::receive(&socket)?,
        ))
    })?;
    workload.spawn("sender", || {
        let own = UdpSocket::bind(LOOPBACK)?;
        datagram::by_sendto(&own, to)?;
        barrier.wait()?;
        Ok(Moved::sent(datagram::by_sendto(&own, to)?))
    })?;
    workload.release(&barrier, 2)
}
