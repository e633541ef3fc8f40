//! Multipath TCP: bytes count once, at the socket that the process holds.

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use anyhow::{Result, ensure};
use nix::sys::socket::{MsgFlags, recv};

use super::stream::{self, LOOPBACK, drain, pair_over, read_all, write_all};
use super::{Absent, Path, Topic, splice};
use crate::load::sync::Barrier;
use crate::load::workload::{Moved, Workload};
use crate::net::mptcp;
use crate::sys::calls;

pub(super) const TOPIC: Topic = Topic {
    name: "mptcp",
    paths: &[
        Path::even("mptcp_write", |workload| {
            both(workload, LOOPBACK, write_all, read_all)
        }),
        Path::even("mptcp_v6", |workload| {
            both(workload, "[::1]:0", write_all, read_all)
        }),
        Path::even("mptcp_sendfile", |workload| {
            both(workload, LOOPBACK, splice::by_sendfile, read_all)
        }),
        Path::even("mptcp_splice_out", |workload| {
            both(workload, LOOPBACK, write_all, splice::out)
        }),
        Path::even("mptcp_peek", |workload| {
            both(workload, LOOPBACK, write_all, peeked)
        }),
        Path::even("mptcp_waitall", |workload| {
            both(workload, LOOPBACK, write_all, waited)
        }),
        Path::even("mptcp_client_only", client_only),
        Path::even("mptcp_server_only", server_only),
        Path::even("early_mptcp", early).gated(),
    ],
};

/// A listening socket, where the kernel has MPTCP and it is switched on.
fn listener(address: &str) -> Result<TcpListener> {
    let switch = "/proc/sys/net/mptcp/enabled";
    match std::fs::read_to_string(switch) {
        Ok(on) if on.trim() == "1" => {}
        Ok(_) => return Err(Absent("MPTCP is off: sysctl net.mptcp.enabled".to_owned()).into()),
        Err(_) => return Err(Absent(format!("the kernel has no MPTCP: no {switch}")).into()),
    }
    mptcp::listener(address.parse()?)
}

/// Both ends speak MPTCP, which is verified.
fn both(
    workload: &mut Workload,
    address: &str,
    sender: fn(&TcpStream) -> Result<u64>,
    receiver: fn(&TcpStream) -> Result<u64>,
) -> Result<()> {
    let sender = |stream: &TcpStream| {
        ensure!(
            !calls::mptcp_fell_back(stream)?,
            "the connection is plain TCP"
        );
        sender(stream)
    };
    pair_over(
        workload,
        listener(address)?,
        mptcp::connected,
        sender,
        receiver,
    )
}

fn peeked(stream: &TcpStream) -> Result<u64> {
    drain(|buffer| {
        let seen = recv(stream.as_raw_fd(), buffer, MsgFlags::MSG_PEEK)?;
        recv(
            stream.as_raw_fd(),
            buffer.split_at_mut(seen).0,
            MsgFlags::empty(),
        )
    })
}

fn waited(stream: &TcpStream) -> Result<u64> {
    drain(|buffer| recv(stream.as_raw_fd(), buffer, MsgFlags::MSG_WAITALL))
}

/// The server speaks plain TCP: the client's MPTCP socket falls back to it.
fn client_only(workload: &mut Workload) -> Result<()> {
    drop(listener(LOOPBACK)?);
    let plain = TcpListener::bind(LOOPBACK)?;
    let sender = |stream: &TcpStream| {
        ensure!(
            calls::mptcp_fell_back(stream)?,
            "a plain server spoke MPTCP"
        );
        write_all(stream)
    };
    pair_over(workload, plain, mptcp::connected, sender, read_all)
}

/// The client speaks plain TCP: accept gives a plain TCP socket from an MPTCP listener.
fn server_only(workload: &mut Workload) -> Result<()> {
    pair_over(
        workload,
        listener(LOOPBACK)?,
        stream::connect,
        write_all,
        read_all,
    )
}

/// The connection is older than the tracer and has moved bytes.
fn early(workload: &mut Workload) -> Result<()> {
    let listener = listener(LOOPBACK)?;
    let to = listener.local_addr()?;
    let barrier = Barrier::new()?;
    workload.spawn("receiver", || {
        let (stream, _) = listener.accept()?;
        recv(stream.as_raw_fd(), &mut [0; 1009], MsgFlags::MSG_WAITALL)?;
        barrier.wait()?;
        Ok(Moved::received(read_all(&stream)?))
    })?;
    workload.spawn("sender", || {
        let stream = mptcp::connected(to)?;
        nix::unistd::write(&stream, &[0x5a; 1009])?;
        barrier.wait()?;
        Ok(Moved::sent(write_all(&stream)?))
    })?;
    workload.release(&barrier, 2)
}
