//! `MSG_ZEROCOPY`: the kernel sends from the pages of the process.

use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

use anyhow::{Result, ensure};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recvmsg, send};

use super::stream::{CHUNK, TOTAL, pair, push, read_all};
use super::{Path, Topic, datagram};
use crate::sys::calls;

pub(super) const TOPIC: Topic = Topic {
    name: "zerocopy",
    paths: &[
        Path::even("tcp_zerocopy_send", |workload| {
            pair(workload, by_zerocopy, read_all)
        }),
        Path::even("udp_zerocopy_send", |workload| {
            datagram::pair_at(workload, super::stream::LOOPBACK, datagrams, read_datagrams)
        }),
    ],
};

fn by_zerocopy(stream: &TcpStream) -> Result<u64> {
    calls::set_option(stream, libc::SOL_SOCKET, libc::SO_ZEROCOPY, 1)?;
    let mut reaped = 0;
    let sent = push(|part| {
        reaped += reap(stream.as_raw_fd())?;
        send(stream.as_raw_fd(), part, zerocopy())
    })?;
    ensure!(reaped > 0, "no completion: not the path");
    Ok(sent)
}

fn datagrams(socket: &UdpSocket, to: SocketAddr) -> Result<u64> {
    socket.connect(to)?;
    calls::set_option(socket, libc::SOL_SOCKET, libc::SO_ZEROCOPY, 1)?;
    push(|part| {
        reap(socket.as_raw_fd())?;
        send(socket.as_raw_fd(), part, zerocopy())
    })
}

fn read_datagrams(socket: &UdpSocket) -> Result<u64> {
    let mut received = 0;
    for _ in 0..TOTAL.div_ceil(CHUNK) {
        received += u64::try_from(socket.recv(&mut vec![0; CHUNK])?)?;
    }
    Ok(received)
}

fn zerocopy() -> MsgFlags {
    MsgFlags::from_bits_retain(libc::MSG_ZEROCOPY)
}

/// Takes completions, which carry no payload, and returns their count.
fn reap(socket: RawFd) -> nix::Result<u32> {
    let mut space = nix::cmsg_space!([u8; 128]);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let mut completions = 0;
    loop {
        match recvmsg::<()>(socket, &mut [], Some(&mut space), flags) {
            Ok(_) => completions += 1,
            Err(Errno::EAGAIN) => return Ok(completions),
            Err(error) => return Err(error),
        }
    }
}
