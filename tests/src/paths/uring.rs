//! `io_uring` requests that move bytes, run by every kind of kernel thread.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};

use anyhow::Result;
use io_uring::squeue::Entry;
use io_uring::{opcode, types};

use super::stream::{CHUNK, drain, pair, push, read_all, write_all};
use super::{Absent, Path, Topic, datagram};
use crate::load::workload::Workload;
use crate::sys::ring::{self, Call, Flavour, Into, Ring};

pub(super) const TOPIC: Topic = Topic {
    name: "uring",
    paths: &[
        Path::even("uring_send", |workload| {
            sends(workload, Flavour::Plain, send)
        }),
        Path::even("uring_send_worker", |workload| {
            sends(workload, Flavour::Worker, send)
        }),
        Path::even("uring_send_sqpoll", |workload| {
            sends(workload, Flavour::Poller, send)
        }),
        Path::even("uring_send_registered", |workload| {
            sends(workload, Flavour::Registered, send)
        }),
        Path::even("uring_write", |workload| {
            sends(workload, Flavour::Plain, write)
        }),
        Path::even("uring_writev", |workload| {
            sends(workload, Flavour::Plain, writev)
        }),
        Path::even("uring_write_fixed", |workload| {
            sends(workload, Flavour::Plain, write_fixed)
        }),
        Path::even("uring_sendmsg", |workload| {
            sends(workload, Flavour::Plain, sendmsg)
        }),
        Path::even("uring_sendmsg_worker", |workload| {
            sends(workload, Flavour::Worker, sendmsg)
        }),
        Path::even("uring_send_zc", send_zc),
        Path::even("uring_sendmsg_zc", sendmsg_zc),
        Path::even("uring_splice_in", splice_in),
        Path::even("uring_recv", |workload| {
            receives(workload, Flavour::Plain, recv)
        }),
        Path::even("uring_recv_worker", |workload| {
            receives(workload, Flavour::Worker, recv)
        }),
        Path::even("uring_recv_sqpoll", |workload| {
            receives(workload, Flavour::Poller, recv)
        }),
        Path::even("uring_recv_registered", |workload| {
            receives(workload, Flavour::Registered, recv)
        }),
        Path::even("uring_recv_waitall", |workload| {
            receives(workload, Flavour::Plain, recv_waitall)
        }),
        Path::even("uring_recvmsg", |workload| {
            receives(workload, Flavour::Plain, recvmsg)
        }),
        Path::even("uring_read", |workload| {
            receives(workload, Flavour::Plain, read)
        }),
        Path::even("uring_readv", |workload| {
            receives(workload, Flavour::Plain, readv)
        }),
        Path::even("uring_read_fixed", |workload| {
            receives(workload, Flavour::Plain, read_fixed)
        }),
        Path::even("uring_peek", peek),
        Path::even("uring_recv_multishot", recv_multishot),
        Path::even("uring_splice_out", splice_out),
        Path::even("uring_udp_send_recv", |workload| udp(workload, send, recv)),
        Path::even("uring_udp_sendmsg_recvmsg", |workload| {
            udp(workload, sendmsg, recvmsg)
        }),
    ],
};

/// Room for any datagram.
const ROOM: usize = 65_536;

/// Builds a request for a socket and the memory of a call.
type Build = fn(types::Fd, &Call) -> Entry;

fn send(socket: types::Fd, call: &Call) -> Entry {
    opcode::Send::new(socket, call.data, call.len).build()
}

fn write(socket: types::Fd, call: &Call) -> Entry {
    opcode::Write::new(socket, call.data, call.len).build()
}

fn writev(socket: types::Fd, call: &Call) -> Entry {
    opcode::Writev::new(socket, call.parts.as_ptr(), 2).build()
}

fn write_fixed(socket: types::Fd, call: &Call) -> Entry {
    opcode::WriteFixed::new(socket, call.data, call.len, 0).build()
}

fn sendmsg(socket: types::Fd, call: &Call) -> Entry {
    opcode::SendMsg::new(socket, &raw const call.message).build()
}

fn recv(socket: types::Fd, call: &Call) -> Entry {
    opcode::Recv::new(socket, call.data, call.len).build()
}

/// The kernel takes parts as they come and completes once, with their sum.
fn recv_waitall(socket: types::Fd, call: &Call) -> Entry {
    opcode::Recv::new(socket, call.data, call.len)
        .flags(libc::MSG_WAITALL)
        .build()
}

fn recv_peek(socket: types::Fd, call: &Call) -> Entry {
    opcode::Recv::new(socket, call.data, call.len)
        .flags(libc::MSG_PEEK)
        .build()
}

fn recvmsg(socket: types::Fd, call: &Call) -> Entry {
    opcode::RecvMsg::new(socket, (&raw const call.message).cast_mut()).build()
}

fn read(socket: types::Fd, call: &Call) -> Entry {
    opcode::Read::new(socket, call.data, call.len).build()
}

fn readv(socket: types::Fd, call: &Call) -> Entry {
    opcode::Readv::new(socket, call.parts.as_ptr(), 2).build()
}

fn read_fixed(socket: types::Fd, call: &Call) -> Entry {
    opcode::ReadFixed::new(socket, call.data, call.len, 0).build()
}

/// Every ring registers its buffer, so that the fixed requests can name it.
fn ring(stream: &TcpStream, flavour: Flavour) -> Result<Ring> {
    let mut ring = Ring::new(stream, flavour, CHUNK)?;
    ring.register_buffer()?;
    Ok(ring)
}

fn need(codes: &[u8]) -> Result<()> {
    if ring::can(codes) {
        return Ok(());
    }
    Err(Absent(format!(
        "this kernel does not allow the io_uring requests {codes:?}"
    ))
    .into())
}

fn sends(workload: &mut Workload, flavour: Flavour, build: Build) -> Result<()> {
    need(&[opcode::Send::CODE])?;
    let sender = |stream: &TcpStream| {
        let mut ring = ring(stream, flavour)?;
        push(|part| ring.call(part.len(), build))
    };
    pair(workload, sender, read_all)
}

fn receives(workload: &mut Workload, flavour: Flavour, build: Build) -> Result<()> {
    need(&[opcode::Recv::CODE])?;
    pair(workload, write_all, |stream| {
        let mut ring = ring(stream, flavour)?;
        drain(|_| ring.call(CHUNK, build))
    })
}

fn send_zc(workload: &mut Workload) -> Result<()> {
    need(&[opcode::SendZc::CODE])?;
    sends(workload, Flavour::Plain, |socket, call| {
        opcode::SendZc::new(socket, call.data, call.len).build()
    })
}

fn sendmsg_zc(workload: &mut Workload) -> Result<()> {
    need(&[opcode::SendMsgZc::CODE])?;
    sends(workload, Flavour::Plain, |socket, call| {
        opcode::SendMsgZc::new(socket, &raw const call.message).build()
    })
}

/// Everything is peeked at first and received afterwards: it counts once.
fn peek(workload: &mut Workload) -> Result<()> {
    need(&[opcode::Recv::CODE])?;
    pair(workload, write_all, |stream| {
        let mut ring = ring(stream, Flavour::Plain)?;
        drain(|_| {
            ring.call(CHUNK, recv_peek)?;
            ring.call(1009, recv)
        })
    })
}

fn recv_multishot(workload: &mut Workload) -> Result<()> {
    // Multishot receive has no code of its own; it came with zero-copy send, in 6.0.
    need(&[opcode::SendZc::CODE])?;
    pair(workload, write_all, |stream| {
        Ring::new(stream, Flavour::Plain, 8 * 4099)?.receive_many()
    })
}

fn udp(workload: &mut Workload, send: Build, receive: Build) -> Result<()> {
    need(&[opcode::SendMsg::CODE, opcode::RecvMsg::CODE])?;
    let sender = |socket: &UdpSocket, to| {
        socket.connect(to)?;
        let mut ring = Ring::new(socket, Flavour::Plain, ROOM)?;
        datagram::each(|part| Ok(ring.call(part.len(), send)?))
    };
    datagram::pair(workload, sender, |socket| {
        let mut ring = Ring::new(socket, Flavour::Plain, ROOM)?;
        datagram::take(|_| ring.call(ROOM, receive))
    })
}

fn splice_in(workload: &mut Workload) -> Result<()> {
    need(&[opcode::Splice::CODE])?;
    let sender = |stream: &TcpStream| {
        let mut ring = Ring::new(stream, Flavour::Plain, 1)?;
        let (from, mut into) = std::io::pipe()?;
        push(|part| {
            into.write_all(part).or(Err(nix::errno::Errno::EIO))?;
            let mut sent = 0;
            while sent < part.len() {
                sent += ring.splice(&from, Into::Socket, part.len() - sent)?;
            }
            Ok(sent)
        })
    };
    pair(workload, sender, read_all)
}

fn splice_out(workload: &mut Workload) -> Result<()> {
    need(&[opcode::Splice::CODE])?;
    pair(workload, write_all, |stream| {
        let mut ring = Ring::new(stream, Flavour::Plain, 1)?;
        let (mut from, into) = std::io::pipe()?;
        drain(|buffer| {
            let n = ring.splice(&into, Into::Pipe, CHUNK)?;
            from.read_exact(buffer.split_at_mut(n).0)
                .or(Err(nix::errno::Errno::EIO))?;
            Ok(n)
        })
    })
}
