//! A load that goes on for as long as a test wants.
//!
//! Two connections whose ends are known: `steady out` sends to `steady in` over TCP, `steady out
//! udp` to `steady in udp` over UDP, a little every 20 ms, until a line comes on stdin.

use std::ffi::CString;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};

use anyhow::Result;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::prctl;
use serde::{Deserialize, Serialize};
use std::os::fd::AsFd;

use crate::load::result::PathResult;
use crate::load::sync::Semaphore;
use crate::load::workload::{Gate, Moved, Workload};
use crate::sys::stdout::print_line;

/// The processes and the addresses of their sockets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ends {
    /// In the order TCP sender, TCP receiver, UDP sender, UDP receiver.
    pub ends: Vec<End>,
}

/// One process with one socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct End {
    /// Process id of the load.
    pub pid: u32,
    /// Its name, unless the test has given it another.
    pub name: String,
    /// `tcp` or `udp`.
    pub proto: String,
    /// Address of its socket.
    pub local: SocketAddr,
    /// Address of its socket's peer.
    pub remote: SocketAddr,
}

/// Bytes over TCP and over UDP every 20 ms: odd numbers.
const TCP_PART: usize = 20_011;
const UDP_PART: usize = 1009;
const PAUSE_MS: u16 = 20;

/// Runs until a line comes on stdin or stdin ends; prints [`Ends`] first, and what was moved at the end.
/// `comm` is the name that all its processes take, any bytes.
///
/// # Errors
/// When a process fails.
pub fn run(comm: Option<&CString>) -> Result<()> {
    let stop = Semaphore::new()?;
    let mut workload = Workload::new(Gate::Open);
    // It lasts as long as the test that has started it.
    workload.extend_timeout(600);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let out = TcpStream::connect(listener.local_addr()?)?;
    let into = listener.accept()?.0;
    let (udp_out, udp_in) = udp_pair()?;
    let mut ends = vec![
        (out.local_addr()?, out.peer_addr()?, "tcp"),
        (into.local_addr()?, into.peer_addr()?, "tcp"),
        (udp_out.local_addr()?, udp_out.peer_addr()?, "udp"),
        (udp_in.local_addr()?, udp_in.peer_addr()?, "udp"),
    ]
    .into_iter();
    workload.spawn("steady out", || {
        set_comm(comm).and_then(|()| stream_out(&out, &stop))
    })?;
    workload.spawn("steady in", || {
        set_comm(comm).and_then(|()| stream_in(&into))
    })?;
    workload.spawn("steady out udp", || {
        set_comm(comm).and_then(|()| datagrams_out(&udp_out, &stop))
    })?;
    workload.spawn("steady in udp", || {
        set_comm(comm).and_then(|()| datagrams_in(&udp_in))
    })?;
    let ends = workload
        .pids()
        .zip(&mut ends)
        .map(|((name, pid), (local, remote, proto))| End {
            pid,
            name: name.to_owned(),
            proto: proto.to_owned(),
            local,
            remote,
        });
    print_line(&serde_json::to_string(&Ends {
        ends: ends.collect(),
    })?)?;
    std::io::stdin().read_line(&mut String::new())?;
    stop.post(2)?;
    print_line(&serde_json::to_string(&PathResult::Moved {
        path: "steady".to_owned(),
        rows: workload.finish()?,
    })?)
}

fn udp_pair() -> Result<(UdpSocket, UdpSocket)> {
    let (out, into) = (
        UdpSocket::bind("127.0.0.1:0")?,
        UdpSocket::bind("127.0.0.1:0")?,
    );
    out.connect(into.local_addr()?)?;
    into.connect(out.local_addr()?)?;
    Ok((out, into))
}

fn set_comm(name: Option<&CString>) -> Result<()> {
    name.map_or(Ok(()), |name| Ok(prctl::set_name(name)?))
}

/// Lets 20 ms pass; false once `stop` has a permit.
fn paced(stop: &Semaphore) -> Result<bool> {
    Ok(poll(
        &mut [PollFd::new(stop.as_fd(), PollFlags::POLLIN)],
        PAUSE_MS,
    )? == 0)
}

fn stream_out(mut stream: &TcpStream, stop: &Semaphore) -> Result<Moved> {
    let mut moved = Moved::default();
    while paced(stop)? {
        stream.write_all(&vec![0x5a; TCP_PART])?;
        moved.tx += u64::try_from(TCP_PART)?;
    }
    stop.wait()?;
    // The other processes hold this end too: closing it would not end the stream.
    stream.shutdown(Shutdown::Write)?;
    Ok(moved)
}

fn stream_in(stream: &TcpStream) -> Result<Moved> {
    let mut moved = Moved::default();
    loop {
        match nix::unistd::read(stream, &mut [0; 4099])? {
            0 => return Ok(moved),
            n => moved.rx += u64::try_from(n)?,
        }
    }
}

/// The last datagram is empty.
fn datagrams_out(socket: &UdpSocket, stop: &Semaphore) -> Result<Moved> {
    let mut moved = Moved::default();
    while paced(stop)? {
        moved.tx += u64::try_from(socket.send(&[0x5a; UDP_PART])?)?;
    }
    stop.wait()?;
    socket.send(&[])?;
    Ok(moved)
}

fn datagrams_in(socket: &UdpSocket) -> Result<Moved> {
    let mut moved = Moved::default();
    loop {
        match socket.recv(&mut [0; 2 * UDP_PART])? {
            0 => return Ok(moved),
            n => moved.rx += u64::try_from(n)?,
        }
    }
}
