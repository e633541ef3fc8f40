//! Calls that take bytes from a TCP socket into the memory of a process.

use std::io::IoSliceMut;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use anyhow::{Result, ensure};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, recvfrom, recvmsg, setsockopt, sockopt};
use nix::sys::uio::readv;

use super::stream::{LOOPBACK, TOTAL, connect, drain, pair, pair_over, write_all};
use super::{Path, Topic};
use crate::load::sync::Semaphore;
use crate::load::workload::Workload;
use crate::sys::calls;
use crate::sys::wait;

pub(super) const TOPIC: Topic = Topic {
    name: "receive",
    paths: &[
        Path::even("tcp_read", |workload| {
            pair(workload, write_all, super::stream::read_all)
        }),
        Path::even("tcp_readv", |workload| pair(workload, write_all, by_readv)),
        Path::even("tcp_recv", |workload| {
            pair(workload, write_all, |s| by_recv(s, MsgFlags::empty()))
        }),
        Path::even("tcp_recvfrom", |workload| {
            pair(workload, write_all, by_recvfrom)
        }),
        Path::even("tcp_recvmsg", |workload| {
            pair(workload, write_all, by_recvmsg)
        }),
        Path::even("tcp_recvmmsg", |workload| {
            pair(workload, write_all, by_recvmmsg)
        }),
        Path::even("tcp_waitall", waitall),
        Path::even("tcp_peek", |workload| pair(workload, write_all, peeked)),
        Path::even("tcp_peek_waitall", peek_waitall),
        Path::even("tcp_trunc", |workload| pair(workload, write_all, discarded)),
        Path::even("tcp_recv_nonblocking", nonblocking),
        Path::even("tcp_zerocopy_receive", |workload| {
            pair(workload, write_all, by_option)
        }),
    ],
};

fn by_readv(stream: &TcpStream) -> Result<u64> {
    drain(|buffer| {
        let (head, tail) = buffer.split_at_mut(977);
        readv(stream, &mut [IoSliceMut::new(head), IoSliceMut::new(tail)])
    })
}

fn by_recv(stream: &TcpStream, flags: MsgFlags) -> Result<u64> {
    drain(|buffer| recv(stream.as_raw_fd(), buffer, flags))
}

fn by_recvfrom(stream: &TcpStream) -> Result<u64> {
    drain(|buffer| Ok(recvfrom::<()>(stream.as_raw_fd(), buffer)?.0))
}

fn by_recvmsg(stream: &TcpStream) -> Result<u64> {
    drain(|buffer| {
        let (head, tail) = buffer.split_at_mut(977);
        let mut parts = [IoSliceMut::new(head), IoSliceMut::new(tail)];
        Ok(recvmsg::<()>(stream.as_raw_fd(), &mut parts, None, MsgFlags::empty())?.bytes)
    })
}

fn by_recvmmsg(stream: &TcpStream) -> Result<u64> {
    drain(|buffer| {
        let (head, tail) = buffer.split_at_mut(977);
        let lengths = calls::recvmmsg(stream, &mut [head, tail], libc::MSG_WAITFORONE)?;
        Ok(lengths.iter().sum())
    })
}

/// The reader asks for more than any segment brings, so each call takes many.
fn waitall(workload: &mut Workload) -> Result<()> {
    pair(workload, write_all, |stream| {
        let mut buffer = vec![0; 100_003];
        let mut received = 0;
        loop {
            match recv(stream.as_raw_fd(), &mut buffer, MsgFlags::MSG_WAITALL)? {
                0 => return Ok(received),
                n => received += u64::try_from(n)?,
            }
        }
    })
}

/// Everything is peeked at first and received afterwards: it counts once.
fn peeked(stream: &TcpStream) -> Result<u64> {
    drain(|buffer| {
        let seen = recv(stream.as_raw_fd(), buffer, MsgFlags::MSG_PEEK)?;
        let again = recv(stream.as_raw_fd(), buffer, MsgFlags::MSG_PEEK)?;
        let (seen, _) = buffer.split_at_mut(seen.min(again));
        recv(stream.as_raw_fd(), seen, MsgFlags::empty())
    })
}

/// The buffer has room for all: a large segment of which one byte is left keeps all its room, and
/// then no call waits for more than that byte with any success.
fn peek_waitall(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    setsockopt(&listener, sockopt::RcvBufForce, &(8 * TOTAL))?;
    pair_over(workload, listener, connect, write_all, |stream| {
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_WAITALL;
        drain(|buffer| {
            let seen = recv(stream.as_raw_fd(), buffer, flags)?;
            recv(
                stream.as_raw_fd(),
                buffer.split_at_mut(seen).0,
                MsgFlags::empty(),
            )
        })
    })
}

/// On TCP, `MSG_TRUNC` takes bytes from the stream without copying them. Every second call reads.
fn discarded(stream: &TcpStream) -> Result<u64> {
    let mut turns = [MsgFlags::MSG_TRUNC, MsgFlags::empty()].into_iter().cycle();
    drain(|buffer| {
        recv(
            stream.as_raw_fd(),
            buffer,
            turns.next().unwrap_or(MsgFlags::empty()),
        )
    })
}

/// The sender starts when the first receive was refused.
fn nonblocking(workload: &mut Workload) -> Result<()> {
    let refused = Semaphore::new()?;
    let sender = |stream: &TcpStream| refused.wait().and_then(|()| write_all(stream));
    pair(workload, sender, |stream| {
        stream.set_nonblocking(true)?;
        let first = recv(stream.as_raw_fd(), &mut [0; 8], MsgFlags::empty());
        ensure!(
            first == Err(Errno::EAGAIN),
            "the first receive returned {first:?}: not the path"
        );
        refused.post(1)?;
        drain(|buffer| {
            loop {
                match recv(stream.as_raw_fd(), buffer, MsgFlags::empty()) {
                    Err(Errno::EAGAIN) => await_data(stream)?,
                    taken => return taken,
                }
            }
        })
    })
}

fn await_data(stream: &TcpStream) -> nix::Result<()> {
    wait::readable(stream).map(drop)
}

/// The buffer has room for all that can wait, so that the kernel copies instead of mapping pages,
/// which on loopback it can't. The end of the stream shows in a plain read only.
fn by_option(stream: &TcpStream) -> Result<u64> {
    let mut buffer = vec![0; TOTAL];
    let mut received = 0;
    loop {
        await_data(stream)?;
        match calls::zerocopy_receive(stream, &mut buffer) {
            Ok(0) | Err(Errno::EIO) => break,
            taken => received += u64::try_from(taken?)?,
        }
    }
    ensure!(
        received > 0,
        "the kernel returned nothing through TCP_ZEROCOPY_RECEIVE: not the path"
    );
    Ok(received + super::stream::read_all(stream)?)
}
