//! MPTCP sockets, which the standard library can't open.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, Result};
use nix::sys::socket::{Backlog, SockaddrStorage, bind, connect, listen};

use crate::sys::calls;

/// A listening socket.
///
/// # Errors
/// When the kernel has no MPTCP, or the address is taken.
pub fn listener(address: SocketAddr) -> Result<TcpListener> {
    let socket = socket(address)?;
    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    listen(&socket, Backlog::new(16)?)?;
    Ok(TcpListener::from(socket))
}

/// A connection; it falls back to plain TCP if the other end has no MPTCP.
///
/// # Errors
/// When the kernel has no MPTCP, or the connection is refused.
pub fn connected(to: SocketAddr) -> Result<TcpStream> {
    let socket = socket(to)?;
    connect(socket.as_raw_fd(), &SockaddrStorage::from(to))?;
    Ok(TcpStream::from(socket))
}

fn socket(address: SocketAddr) -> Result<OwnedFd> {
    let domain = if address.is_ipv4() {
        libc::AF_INET
    } else {
        libc::AF_INET6
    };
    calls::socket(domain, libc::SOCK_STREAM, libc::IPPROTO_MPTCP).context("no MPTCP socket")
}
