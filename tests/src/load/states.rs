//! Connections over loopback that are put in a TCP state on purpose.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Result, ensure};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, connect, listen, socket,
};

/// A listening socket, whose caller decides what it accepts.
pub struct Server {
    /// Where it listens.
    pub listener: TcpListener,
    /// The same address, for clients.
    pub address: SocketAddrV4,
}

impl Server {
    /// Listens on loopback with this backlog.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn listen(port: u16, backlog: i32) -> Result<Self> {
        let address = SocketAddrV4::new([127, 0, 0, 1].into(), port);
        let listener = TcpListener::bind(address)?;
        listen(&listener, Backlog::new(backlog)?)?;
        Ok(Self { listener, address })
    }

    /// A connection: the client's end, then the server's.
    ///
    /// # Errors
    /// When it fails.
    pub fn connection(&self) -> Result<(TcpStream, TcpStream)> {
        let client = TcpStream::connect(self.address)?;
        Ok((client, self.listener.accept()?.0))
    }

    /// Opens connections that the client closes first: its ends go to TIME_WAIT.
    ///
    /// # Errors
    /// When one fails.
    pub fn finish_by_client(&self, count: usize) -> Result<()> {
        for _ in 0..count {
            let (client, server) = self.connection()?;
            close_in_order(client, server)?;
        }
        Ok(())
    }

    /// Opens connections that the server closes first.
    ///
    /// # Errors
    /// When one fails.
    pub fn finish_by_server(&self, count: usize) -> Result<()> {
        for _ in 0..count {
            let (client, server) = self.connection()?;
            close_in_order(server, client)?;
        }
        Ok(())
    }

    /// Opens connections that the client closes and the server does not; returns the server's ends.
    ///
    /// # Errors
    /// When one fails.
    pub fn leave_unclosed(&self, count: usize) -> Result<Vec<TcpStream>> {
        let leave = |_| {
            let (client, mut server) = self.connection()?;
            drop(client);
            await_end(&mut server)?;
            Ok(server)
        };
        (0..count).map(leave).collect()
    }

    /// Starts to connect, without waiting for the handshake.
    ///
    /// # Errors
    /// When one fails at once.
    pub fn start_connecting(&self, count: usize) -> Result<Vec<OwnedFd>> {
        let address = SockaddrIn::from(self.address);
        let start = |_| {
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            let client = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
            match connect(client.as_raw_fd(), &address) {
                Ok(()) | Err(Errno::EINPROGRESS) => Ok(client),
                Err(error) => Err(error.into()),
            }
        };
        (0..count).map(start).collect()
    }

    /// Opens connections until the kernel has no port left, and returns both ends of all.
    ///
    /// # Errors
    /// When one fails for another reason, or after more than `at_most`.
    pub fn exhaust(&self, at_most: usize) -> Result<Vec<(TcpStream, TcpStream)>> {
        let mut held = Vec::new();
        loop {
            match TcpStream::connect(self.address) {
                Ok(client) => held.push((client, self.listener.accept()?.0)),
                Err(error) if error.kind() == ErrorKind::AddrNotAvailable => return Ok(held),
                Err(error) => return Err(error.into()),
            }
            ensure!(held.len() <= at_most, "ports never run out");
        }
    }
}

fn close_in_order(first: TcpStream, mut second: TcpStream) -> Result<()> {
    drop(first);
    await_end(&mut second)
}

fn await_end(stream: &mut TcpStream) -> Result<()> {
    ensure!(stream.read(&mut [0; 1])? == 0, "the stream goes on");
    Ok(())
}
