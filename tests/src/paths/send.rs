//! Calls that hand bytes from the memory of a process to a TCP socket.

use std::io::IoSlice;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use anyhow::{Result, ensure};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, sendmsg, setsockopt, sockopt};
use nix::sys::uio::writev;

use super::stream::{LOOPBACK, TOTAL, connect, drain, pair, pair_over, push, read_all};
use super::{Path, Topic};
use crate::load::workload::Workload;
use crate::sys::calls;
use crate::sys::wait;

pub(super) const TOPIC: Topic = Topic {
    name: "send",
    paths: &[
        Path::even("tcp_write", |workload| {
            pair(workload, super::stream::write_all, read_all)
        }),
        Path::even("tcp_writev", |workload| pair(workload, by_writev, read_all)),
        Path::even("tcp_send", |workload| {
            pair(workload, |s| by_send(s, MsgFlags::empty()), read_all)
        }),
        Path::even("tcp_send_more", |workload| {
            pair(workload, |s| by_send(s, more()), read_all)
        }),
        Path::even("tcp_sendto", |workload| pair(workload, by_sendto, read_all)),
        Path::even("tcp_sendmsg", |workload| {
            pair(workload, by_sendmsg, read_all)
        }),
        Path::even("tcp_sendmmsg", |workload| {
            pair(workload, by_sendmmsg, read_all)
        }),
        Path::even("tcp_partial_sends", partial),
        Path::uneven("tcp_send_fails", "failed sends hand over nothing", failing),
    ],
};

fn more() -> MsgFlags {
    MsgFlags::from_bits_retain(libc::MSG_MORE)
}

fn halves(part: &[u8]) -> [IoSlice<'_>; 2] {
    let (head, tail) = part.split_at(part.len() / 3);
    [IoSlice::new(head), IoSlice::new(tail)]
}

fn by_writev(stream: &TcpStream) -> Result<u64> {
    push(|part| writev(stream, &halves(part)))
}

fn by_send(stream: &TcpStream, flags: MsgFlags) -> Result<u64> {
    push(|part| nix::sys::socket::send(stream.as_raw_fd(), part, flags))
}

fn by_sendto(stream: &TcpStream) -> Result<u64> {
    let to =
        nix::sys::socket::getpeername::<nix::sys::socket::SockaddrStorage>(stream.as_raw_fd())?;
    push(|part| nix::sys::socket::sendto(stream.as_raw_fd(), part, &to, MsgFlags::empty()))
}

fn by_sendmsg(stream: &TcpStream) -> Result<u64> {
    let flags = MsgFlags::empty();
    push(|part| sendmsg::<()>(stream.as_raw_fd(), &halves(part), &[], flags, None))
}

fn by_sendmmsg(stream: &TcpStream) -> Result<u64> {
    push(|part| {
        let (head, tail) = part.split_at(part.len() / 3);
        Ok(calls::sendmmsg(stream, &[head, tail])?.iter().sum())
    })
}

/// A slow reader with small buffers: most sends take a part only, many take nothing.
fn partial(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    setsockopt(&listener, sockopt::RcvBuf, &4096)?;
    let slow =
        |stream: &TcpStream| drain(|buffer| nix::unistd::read(stream, buffer.split_at_mut(701).0));
    pair_over(workload, listener, connect, by_partial_sends, slow)
}

fn by_partial_sends(stream: &TcpStream) -> Result<u64> {
    setsockopt(stream, sockopt::SndBuf, &8192)?;
    stream.set_nonblocking(true)?;
    let payload = vec![0x5a; TOTAL];
    let (mut sent, mut partial, mut refused) = (0, 0, 0);
    while let Some(rest) = payload.get(sent..).filter(|rest| !rest.is_empty()) {
        match nix::unistd::write(stream, rest) {
            Ok(n) => {
                partial += u32::from(n < rest.len());
                sent += n;
            }
            Err(Errno::EAGAIN) => {
                refused += 1;
                wait::writable(stream)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    ensure!(
        partial > 0 && refused > 0,
        "{partial} partial, {refused} refused: not the path"
    );
    Ok(u64::try_from(sent)?)
}

/// The peer closes after the first bytes; later sends fail and hand over nothing.
fn failing(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let first = |stream: &TcpStream| Ok(u64::try_from(nix::unistd::read(stream, &mut [0; 777])?)?);
    pair_over(workload, listener, connect, until_refused, first)
}

fn until_refused(stream: &TcpStream) -> Result<u64> {
    let mut sent = 0;
    let flags = MsgFlags::MSG_NOSIGNAL;
    loop {
        match nix::sys::socket::send(stream.as_raw_fd(), &[0x5a; 777], flags) {
            Ok(n) => sent += u64::try_from(n)?,
            Err(Errno::EPIPE | Errno::ECONNRESET) => return Ok(sent),
            Err(error) => return Err(error.into()),
        }
    }
}
