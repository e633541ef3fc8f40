//! Bytes between sockets and files or pipes, without the memory of the process.

use std::fs::File;
use std::io::{IoSlice, PipeReader, PipeWriter, Read, Seek, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};

use anyhow::{Result, ensure};
use nix::fcntl::{SpliceFFlags, splice, vmsplice};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::sendfile::sendfile;
use nix::sys::socket::{MsgFlags, recv};

use super::datagram;
use super::stream::{
    CHUNK, LOOPBACK, TOTAL, checked_received, connect, drain, pair, read_all, write_all,
};
use super::{Path, Topic};
use crate::load::workload::{Moved, Workload};

pub(super) const TOPIC: Topic = Topic {
    name: "splice",
    paths: &[
        Path::even("tcp_sendfile", |workload| {
            pair(workload, by_sendfile, read_all)
        }),
        Path::even("tcp_splice_in", |workload| {
            pair(workload, by_splice, read_all)
        }),
        Path::even("tcp_vmsplice_in", |workload| {
            pair(workload, by_vmsplice, read_all)
        }),
        Path::even("tcp_splice_out", |workload| pair(workload, write_all, out)),
        Path::even("tcp_splice_both", |workload| {
            pair(workload, by_sendfile, out)
        }),
        Path::even("tcp_splice_and_read", |workload| {
            pair(workload, write_all, by_turns)
        }),
        Path::even("tcp_splice_proxy", proxy),
        Path::even("udp_sendfile", udp_sendfile),
        Path::even("udp_splice_in", udp_splice),
    ],
};

/// A file of [`TOTAL`] bytes in memory, at its beginning.
pub(super) fn file() -> Result<File> {
    let mut file = File::from(memfd_create("payload", MFdFlags::empty())?);
    file.write_all(&vec![0x5a; TOTAL])?;
    file.rewind()?;
    Ok(file)
}

/// Sends a whole file; each call may take a part.
pub(super) fn by_sendfile(stream: &TcpStream) -> Result<u64> {
    let file = file()?;
    drain(|_| sendfile(stream, &file, None, TOTAL))
}

fn by_splice(stream: &TcpStream) -> Result<u64> {
    through_pipe(stream, |pipe, part| nix::unistd::write(pipe, part))
}

fn by_vmsplice(stream: &TcpStream) -> Result<u64> {
    through_pipe(stream, |pipe, part| {
        vmsplice(pipe, &[IoSlice::new(part)], SpliceFFlags::empty())
    })
}

/// Fills a pipe with `fill` and splices it into `socket`, until all is gone.
fn through_pipe(
    socket: &impl AsFd,
    mut fill: impl FnMut(&PipeWriter, &[u8]) -> nix::Result<usize>,
) -> Result<u64> {
    let (from, into) = std::io::pipe()?;
    super::stream::push(|part| {
        let filled = fill(&into, part)?;
        let mut sent = 0;
        while sent < filled {
            let flags = SpliceFFlags::SPLICE_F_MOVE;
            sent += splice(&from, None, socket, None, filled - sent, flags)?;
        }
        Ok(sent)
    })
}

/// Splices out of the socket until its end.
pub(super) fn out(stream: &TcpStream) -> Result<u64> {
    let (mut from, into) = std::io::pipe()?;
    drain(|buffer| {
        let n = splice(stream, None, &into, None, CHUNK, SpliceFFlags::empty())?;
        empty(&mut from, buffer.split_at_mut(n).0)?;
        Ok(n)
    })
}

fn empty(pipe: &mut PipeReader, into: &mut [u8]) -> nix::Result<()> {
    pipe.read_exact(into).or(Err(nix::errno::Errno::EIO))
}

/// Splice, peek, discard, read: all on one stream.
fn by_turns(stream: &TcpStream) -> Result<u64> {
    let (mut from, into) = std::io::pipe()?;
    let mut turn = 0;
    drain(|buffer| {
        turn += 1;
        match turn % 3 {
            0 => recv(stream.as_raw_fd(), buffer, MsgFlags::MSG_TRUNC),
            1 => {
                recv(stream.as_raw_fd(), buffer, MsgFlags::MSG_PEEK)?;
                recv(
                    stream.as_raw_fd(),
                    buffer.split_at_mut(1009).0,
                    MsgFlags::empty(),
                )
            }
            _ => {
                let n = splice(stream, None, &into, None, CHUNK, SpliceFFlags::empty())?;
                empty(&mut from, buffer.split_at_mut(n).0)?;
                Ok(n)
            }
        }
    })
}

/// A process between two others that never sees the bytes it passes on.
fn proxy(workload: &mut Workload) -> Result<()> {
    let front = TcpListener::bind(LOOPBACK)?;
    let back = TcpListener::bind(LOOPBACK)?;
    let (front_at, back_at) = (front.local_addr()?, back.local_addr()?);
    workload.spawn("receiver", move || {
        Ok(Moved::received(read_all(&back.accept()?.0)?))
    })?;
    workload.spawn("proxy", move || {
        pass(&front.accept()?.0, &connect(back_at)?)
    })?;
    workload.spawn("sender", || {
        Ok(Moved::sent(write_all(&connect(front_at)?)?))
    })
}

fn pass(from: &TcpStream, to: &TcpStream) -> Result<Moved> {
    let (half, into) = std::io::pipe()?;
    let mut moved = Moved::default();
    loop {
        let taken = splice(from, None, &into, None, CHUNK, SpliceFFlags::SPLICE_F_MOVE)?;
        if taken == 0 {
            checked_received(from, moved.rx)?;
            return Ok(moved);
        }
        moved.rx += u64::try_from(taken)?;
        let mut given = 0;
        while given < taken {
            given += splice(&half, None, to, None, taken - given, SpliceFFlags::empty())?;
        }
        moved.tx += u64::try_from(given)?;
    }
}

/// What one call takes from the file: even, because 6.18 gets the checksum of a datagram wrong
/// that it cuts from pages at an odd place.
const EVEN: usize = CHUNK + 1;

/// The kernel chooses how it cuts the file into datagrams.
fn udp_sendfile(workload: &mut Workload) -> Result<()> {
    let sender = |socket: &UdpSocket, to| {
        socket.connect(to)?;
        let file = file()?;
        drain(|_| sendfile(socket, &file, None, EVEN))
    };
    datagram::pair_at(workload, LOOPBACK, sender, all_datagrams)
}

fn udp_splice(workload: &mut Workload) -> Result<()> {
    let sender = |socket: &UdpSocket, to| {
        socket.connect(to)?;
        through_pipe(socket, |pipe, part| nix::unistd::write(pipe, part))
    };
    datagram::pair_at(workload, LOOPBACK, sender, all_datagrams)
}

fn all_datagrams(socket: &UdpSocket) -> Result<u64> {
    let mut buffer = vec![0; 65_536];
    let mut received = 0;
    while received < TOTAL {
        received += socket.recv(&mut buffer)?;
    }
    ensure!(received == TOTAL, "{received} of {TOTAL} bytes arrived");
    Ok(u64::try_from(received)?)
}
