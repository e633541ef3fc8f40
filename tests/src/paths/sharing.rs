//! Sockets that pass from process to process.

use std::io::{IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;

use anyhow::Result;
use nix::sys::socket::{ControlMessage, MsgFlags, recv, sendmsg};

use super::datagram;
use super::stream::{CHUNK, LOOPBACK, connect, push_bytes, read_all};
use super::{Path, Topic};
use crate::load::sync::Semaphore;
use crate::load::worker::own_row;
use crate::load::workload::{Gate, Moved, Workload};
use crate::sys::calls;

pub(super) const TOPIC: Topic = Topic {
    name: "sharing",
    paths: &[
        Path::even("tcp_forked_after_use", forked),
        Path::even("tcp_passed_over_unix", passed),
        Path::even("tcp_taken_by_pidfd", taken),
        Path::even("tcp_echo", echo),
        Path::even("tcp_preforked_workers", preforked),
        Path::even("udp_shared", udp_shared),
    ],
};

/// A connection whose two ends are both still held by the calling process, which moved nothing.
pub(super) fn connection() -> Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let near = connect(listener.local_addr()?)?;
    Ok((near, listener.accept()?.0))
}

/// Receives until `total` bytes have arrived: other processes hold the sending end too, so no end comes.
pub(super) fn read_bytes(stream: &TcpStream, total: usize) -> Result<u64> {
    push_bytes(total, |part| {
        nix::unistd::read(stream, &mut vec![0; part.len()])
    })
}

pub(super) fn send_part(stream: &TcpStream, bytes: usize) -> Result<u64> {
    push_bytes(bytes, |part| nix::unistd::write(stream, part))
}

const BEFORE: usize = 100_003;
const AFTER: usize = 300_007;

/// Before and after the fork, the parent and the child write to the same socket.
fn forked(workload: &mut Workload) -> Result<()> {
    let (near, far) = connection()?;
    workload.spawn("receiver", move || {
        Ok(Moved::received(read_bytes(&far, BEFORE + 2 * AFTER)?))
    })?;
    workload.spawn_parent("parent", move || {
        let mut sent = send_part(&near, BEFORE)?;
        let mut inner = Workload::new(Gate::Open);
        inner.spawn("child", || Ok(Moved::sent(send_part(&near, AFTER)?)))?;
        let mut rows = inner.finish()?;
        sent += send_part(&near, AFTER)?;
        rows.push(own_row("parent", Moved::sent(sent)));
        Ok(rows)
    })
}

fn passed(workload: &mut Workload) -> Result<()> {
    let (near, far) = connection()?;
    let (give, take) = UnixDatagram::pair()?;
    workload.spawn("receiver", move || {
        Ok(Moved::received(read_bytes(&far, BEFORE + AFTER)?))
    })?;
    workload.spawn("heir", move || {
        let stream = TcpStream::from(calls::receive_descriptor(&take)?);
        Ok(Moved::sent(send_part(&stream, AFTER)?))
    })?;
    workload.spawn("giver", move || {
        let sent = send_part(&near, BEFORE)?;
        let fds = [near.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&fds)];
        let note = [IoSlice::new(b"take it")];
        sendmsg::<()>(give.as_raw_fd(), &note, &rights, MsgFlags::empty(), None)?;
        Ok(Moved::sent(sent))
    })
}

/// The second process takes the descriptor from the first one (`pidfd_getfd`).
fn taken(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    let (mut reader, mut writer) = std::io::pipe()?;
    let done = Semaphore::new()?;
    workload.spawn("receiver", move || {
        Ok(Moved::received(read_all(&listener.accept()?.0)?))
    })?;
    workload.spawn("thief", || {
        let mut name = [0; 8];
        reader.read_exact(&mut name)?;
        let [p0, p1, p2, p3, f0, f1, f2, f3] = name;
        let pid = u32::from_ne_bytes([p0, p1, p2, p3]);
        let fd = i32::from_ne_bytes([f0, f1, f2, f3]);
        let stream = TcpStream::from(calls::take_descriptor(pid, fd)?);
        let sent = send_part(&stream, AFTER)?;
        done.post(1)?;
        Ok(Moved::sent(sent))
    })?;
    workload.spawn("owner", || {
        let stream = connect(to)?;
        let sent = send_part(&stream, BEFORE)?;
        writer.write_all(&std::process::id().to_ne_bytes())?;
        writer.write_all(&stream.as_raw_fd().to_ne_bytes())?;
        done.wait()?;
        Ok(Moved::sent(sent))
    })
}

/// Both directions of one connection.
fn echo(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    workload.spawn("server", move || {
        let stream = listener.accept()?.0;
        let rx = send_back(&stream)?;
        Ok(Moved { tx: rx, rx })
    })?;
    workload.spawn("client", || {
        let stream = connect(to)?;
        let mut buffer = vec![0; CHUNK];
        let (mut tx, mut rx) = (0, 0);
        for _ in 0..60 {
            tx += u64::try_from(nix::unistd::write(&stream, &buffer)?)?;
            let flags = MsgFlags::MSG_WAITALL;
            rx += u64::try_from(recv(stream.as_raw_fd(), &mut buffer, flags)?)?;
        }
        Ok(Moved { tx, rx })
    })
}

fn send_back(stream: &TcpStream) -> Result<u64> {
    let mut buffer = vec![0; CHUNK];
    let mut moved = 0;
    loop {
        let n = nix::unistd::read(stream, &mut buffer)?;
        if n == 0 {
            return Ok(moved);
        }
        moved += send_part(stream, n)?;
    }
}

const WORKERS: usize = 3;
const CONNECTIONS: usize = 4;

/// Workers that share the listening socket of their parent; which of them gets a connection is undefined.
fn preforked(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    for _ in 0..WORKERS {
        let listener = listener.try_clone()?;
        workload.spawn("worker", move || {
            let mut rx = 0;
            for _ in 0..CONNECTIONS {
                rx += read_all(&listener.accept()?.0)?;
            }
            Ok(Moved::received(rx))
        })?;
    }
    drop(listener);
    workload.spawn("client", || {
        let mut tx = 0;
        for bytes in 0..WORKERS * CONNECTIONS {
            tx += send_part(&connect(to)?, 10_007 + bytes)?;
        }
        Ok(Moved::sent(tx))
    })
}

/// Two senders and two receivers on two UDP sockets.
fn udp_shared(workload: &mut Workload) -> Result<()> {
    let far = datagram::roomy(LOOPBACK)?;
    let near = datagram::roomy(LOOPBACK)?;
    let to = far.local_addr()?;
    for _ in 0..2 {
        let (far, near) = (far.try_clone()?, near.try_clone()?);
        workload.spawn("receiver", move || {
            Ok(Moved::received(datagram::receive(&far)?))
        })?;
        workload.spawn("sender", move || {
            Ok(Moved::sent(datagram::by_sendto(&near, to)?))
        })?;
    }
    Ok(())
}
