//! A set of sockets of many kinds and states, to be listed.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};

use anyhow::{Result, ensure};
use nix::sys::socket::{Backlog, listen};

/// Sockets of many kinds and states, open until it is dropped.
pub struct SocketSet {
    /// Has clients that are not accepted.
    pub listener: TcpListener,
    _listener6: TcpListener,
    /// Both ends of each connection, one after the other.
    pub streams: Vec<TcpStream>,
    _datagrams: Vec<UdpSocket>,
}

impl SocketSet {
    /// Opens them; the caller needs a network namespace to itself.
    ///
    /// # Errors
    /// When a port is taken.
    pub fn new() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:4100")?;
        let listener6 = TcpListener::bind("[::]:4200")?;
        listen(&listener, Backlog::new(3)?)?;
        let mut streams = Vec::new();
        let mut connect = |address: &str, listener: &TcpListener| -> Result<usize> {
            streams.push(TcpStream::connect(address)?);
            streams.push(listener.accept()?.0);
            Ok(streams.len() - 2)
        };
        connect("127.0.0.1:4100", &listener)?;
        connect("[::1]:4200", &listener6)?;
        connect("127.0.0.1:4200", &listener6)?;
        let unread = connect("127.0.0.1:4100", &listener)?;
        let full = connect("127.0.0.1:4100", &listener)?;
        let half_closed = connect("127.0.0.1:4100", &listener)?;
        let over = connect("127.0.0.1:4100", &listener)?;
        streams[unread].write_all(&[0; 5_000])?;
        fill(&mut streams[full])?;
        streams[half_closed].shutdown(std::net::Shutdown::Write)?;
        streams[over].shutdown(std::net::Shutdown::Both)?;
        await_end(&mut streams[over + 1])?;
        streams[over + 1].shutdown(std::net::Shutdown::Both)?;
        // Two clients that are never accepted.
        streams.push(TcpStream::connect("127.0.0.1:4100")?);
        streams.push(TcpStream::connect("127.0.0.1:4100")?);
        Ok(Self {
            listener,
            _listener6: listener6,
            streams,
            _datagrams: datagrams()?,
        })
    }
}

fn datagrams() -> Result<Vec<UdpSocket>> {
    let plain = UdpSocket::bind("127.0.0.1:4300")?;
    let both = UdpSocket::bind("[::]:4400")?;
    let connected = UdpSocket::bind("[::1]:4500")?;
    connected.connect("[::1]:4400")?;
    plain.send_to(&[0; 900], "127.0.0.1:4400")?;
    Ok(vec![plain, both, connected])
}

fn fill(stream: &mut TcpStream) -> Result<()> {
    stream.set_nonblocking(true)?;
    loop {
        match stream.write(&[0; 8_192]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            result => result?,
        };
    }
}

fn await_end(stream: &mut TcpStream) -> Result<()> {
    ensure!(stream.read(&mut [0; 1])? == 0, "the stream goes on");
    Ok(())
}
