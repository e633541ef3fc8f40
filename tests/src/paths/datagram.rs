//! Ways in which datagrams leave and reach a process.

use std::io::IoSlice;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use anyhow::{Result, ensure};
use nix::sys::socket::{MsgFlags, SockaddrStorage, recv, sendmsg, setsockopt, sockopt};

use super::{Path, Topic};
use crate::load::workload::{Moved, Workload};
use crate::sys::calls;

pub(super) const TOPIC: Topic = Topic {
    name: "datagram",
    paths: &[
        Path::even("udp_send", |workload| pair(workload, by_send, receive)),
        Path::even("udp_sendto", |workload| pair(workload, by_sendto, receive)),
        Path::even("udp_sendmsg", |workload| {
            pair(workload, by_sendmsg, receive)
        }),
        Path::even("udp_sendmmsg", |workload| {
            pair(workload, by_sendmmsg, receive)
        }),
        Path::even("udp_send_more", |workload| pair(workload, corked, receive)),
        Path::even("udp_recvmmsg", |workload| {
            pair(workload, by_send, by_recvmmsg)
        }),
        Path::even("udp_peek", |workload| pair(workload, by_send, peeked)),
        Path::even("udp_trunc_flag", |workload| {
            pair(workload, by_send, trunc_flag)
        }),
        Path::uneven(
            "udp_truncated",
            "the tail of each datagram is discarded",
            |workload| pair(workload, by_send, truncated),
        ),
        Path::even("udp_gso", gso),
        Path::even("udp_gso_gro", gro),
    ],
};

/// Sizes of the datagrams, repeated [`ROUNDS`] times; one is empty.
const SIZES: [usize; 6] = [1, 17, 1001, 0, 8209, 40_009];
const ROUNDS: usize = 20;
const COUNT: usize = SIZES.len() * ROUNDS;
/// Room for every datagram of a path, so that none is dropped however late the reader comes.
pub(super) const ROOM: usize = 32 << 20;

/// A bound socket that loses nothing.
pub(super) fn roomy(address: &str) -> Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    setsockopt(&socket, sockopt::RcvBufForce, &ROOM)?;
    Ok(socket)
}

pub(super) fn pair(
    workload: &mut Workload,
    sender: impl FnOnce(&UdpSocket, SocketAddr) -> Result<u64>,
    receiver: impl FnOnce(&UdpSocket) -> Result<u64>,
) -> Result<()> {
    pair_at(workload, super::stream::LOOPBACK, sender, receiver)
}

/// One sender with a socket of its own and one receiver that knows how many datagrams come.
pub(super) fn pair_at(
    workload: &mut Workload,
    address: &str,
    sender: impl FnOnce(&UdpSocket, SocketAddr) -> Result<u64>,
    receiver: impl FnOnce(&UdpSocket) -> Result<u64>,
) -> Result<()> {
    between(workload, roomy(address)?, sender, receiver)
}

/// [`pair_at`] for an existing receiving socket.
pub(super) fn between(
    workload: &mut Workload,
    socket: UdpSocket,
    sender: impl FnOnce(&UdpSocket, SocketAddr) -> Result<u64>,
    receiver: impl FnOnce(&UdpSocket) -> Result<u64>,
) -> Result<()> {
    let to = socket.local_addr()?;
    workload.spawn("receiver", move || Ok(Moved::received(receiver(&socket)?)))?;
    workload.spawn("sender", || {
        Ok(Moved::sent(sender(&UdpSocket::bind((to.ip(), 0))?, to)?))
    })
}

/// Calls `hand_over` with every datagram; each must be taken as a whole.
pub(super) fn each(mut hand_over: impl FnMut(&[u8]) -> Result<usize>) -> Result<u64> {
    let payload = vec![0x5a; 40_009];
    let mut sent = 0;
    for size in SIZES.iter().cycle().take(COUNT) {
        let datagram = payload.split_at(*size).0;
        let n = hand_over(datagram)?;
        ensure!(n == *size, "{n} of {size} bytes were taken");
        sent += u64::try_from(n)?;
    }
    Ok(sent)
}

/// Calls `receive` once for every datagram of [`each`].
pub(super) fn take(mut receive: impl FnMut(&mut [u8]) -> nix::Result<usize>) -> Result<u64> {
    let mut buffer = vec![0; 65_536];
    let mut received = 0;
    for _ in 0..COUNT {
        received += u64::try_from(receive(&mut buffer)?)?;
    }
    Ok(received)
}

/// Sends every datagram over a connected socket.
pub(super) fn by_send(socket: &UdpSocket, to: SocketAddr) -> Result<u64> {
    socket.connect(to)?;
    each(|datagram| Ok(socket.send(datagram)?))
}

/// Sends every datagram over a socket that is not connected.
pub(super) fn by_sendto(socket: &UdpSocket, to: SocketAddr) -> Result<u64> {
    each(|datagram| Ok(socket.send_to(datagram, to)?))
}

fn by_sendmsg(socket: &UdpSocket, to: SocketAddr) -> Result<u64> {
    let to = SockaddrStorage::from(to);
    each(|datagram| {
        let (head, tail) = datagram.split_at(datagram.len() / 3);
        let parts = [IoSlice::new(head), IoSlice::new(tail)];
        Ok(sendmsg(
            socket.as_raw_fd(),
            &parts,
            &[],
            MsgFlags::empty(),
            Some(&to),
        )?)
    })
}

fn by_sendmmsg(socket: &UdpSocket, to: SocketAddr) -> Result<u64> {
    socket.connect(to)?;
    let payload = vec![0x5a; 40_009];
    let datagrams = SIZES.map(|size| payload.split_at(size).0);
    let mut sent = 0;
    for _ in 0..ROUNDS {
        let taken = calls::sendmmsg(socket, &datagrams)?;
        ensure!(taken == SIZES, "{taken:?} were taken");
        sent += u64::try_from(taken.iter().sum::<usize>())?;
    }
    Ok(sent)
}

/// Each datagram is handed over in two calls, the first of which sends nothing yet.
fn corked(socket: &UdpSocket, to: SocketAddr) -> Result<u64> {
    socket.connect(to)?;
    let more = MsgFlags::from_bits_retain(libc::MSG_MORE);
    each(|datagram| {
        let (head, tail) = datagram.split_at(datagram.len() / 3);
        let first = nix::sys::socket::send(socket.as_raw_fd(), head, more)?;
        Ok(first + socket.send(tail)?)
    })
}

/// Receives every datagram with plain calls.
pub(super) fn receive(socket: &UdpSocket) -> Result<u64> {
    take(|buffer| recv(socket.as_raw_fd(), buffer, MsgFlags::empty()))
}

fn by_recvmmsg(socket: &UdpSocket) -> Result<u64> {
    let (mut first, mut second) = (vec![0; 65_536], vec![0; 65_536]);
    let (mut received, mut count) = (0, 0);
    while count < COUNT {
        let parts = &mut [first.as_mut_slice(), second.as_mut_slice()];
        let lengths = calls::recvmmsg(socket, parts, libc::MSG_WAITFORONE)?;
        count += lengths.len();
        received += u64::try_from(lengths.iter().sum::<usize>())?;
    }
    Ok(received)
}

/// Every datagram is peeked at twice and then received: it counts once.
fn peeked(socket: &UdpSocket) -> Result<u64> {
    take(|buffer| {
        let tail = MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC;
        recv(socket.as_raw_fd(), buffer, MsgFlags::MSG_PEEK)?;
        recv(socket.as_raw_fd(), &mut [], tail)?;
        recv(socket.as_raw_fd(), buffer, MsgFlags::empty())
    })
}

/// With `MSG_TRUNC` the call returns the whole length, whatever the size of the buffer.
fn trunc_flag(socket: &UdpSocket) -> Result<u64> {
    take(|buffer| {
        recv(
            socket.as_raw_fd(),
            buffer.split_at_mut(501).0,
            MsgFlags::MSG_TRUNC,
        )
    })
}

/// Without it, bytes beyond the buffer are lost: the process has taken what it received.
fn truncated(socket: &UdpSocket) -> Result<u64> {
    take(|buffer| {
        recv(
            socket.as_raw_fd(),
            buffer.split_at_mut(501).0,
            MsgFlags::empty(),
        )
    })
}

/// One call hands over many datagrams.
fn gso(workload: &mut Workload) -> Result<()> {
    let receiver = |socket: &UdpSocket| segments(socket).map(|(received, _)| received);
    pair(workload, segmented, receiver)
}

/// One call also takes many.
fn gro(workload: &mut Workload) -> Result<()> {
    let socket = roomy(super::stream::LOOPBACK)?;
    setsockopt(&socket, sockopt::UdpGroSegment, &true)?;
    between(workload, socket, segmented, |socket| {
        let (received, calls) = segments(socket)?;
        ensure!(calls < SEGMENTS, "no call took two datagrams: not the path");
        Ok(received)
    })
}

const SEGMENT: usize = 1201;
const SEGMENTS: usize = 40 * ROUNDS;

fn segmented(socket: &UdpSocket, to: SocketAddr) -> Result<u64> {
    socket.connect(to)?;
    setsockopt(socket, sockopt::UdpGsoSegment, &i32::try_from(SEGMENT)?)?;
    let payload = vec![0x5a; SEGMENT * 40];
    let mut sent = 0;
    for _ in 0..ROUNDS {
        sent += u64::try_from(socket.send(&payload)?)?;
    }
    Ok(sent)
}

fn segments(socket: &UdpSocket) -> Result<(u64, usize)> {
    let mut buffer = vec![0; 65_536];
    let (mut received, mut calls) = (0, 0);
    while received < SEGMENT * SEGMENTS {
        received += socket.recv(&mut buffer)?;
        calls += 1;
    }
    Ok((u64::try_from(received)?, calls))
}
