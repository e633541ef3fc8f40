//! Two processes and one TCP connection: the frame of the stream paths.

use std::net::{SocketAddr, TcpListener, TcpStream};

use anyhow::{Context, Result, ensure};

use crate::load::workload::{Moved, Workload};
use crate::sys::calls;

/// Payload of one direction: odd, so that it never ends at a page, a segment or a buffer.
pub(super) const TOTAL: usize = 1_234_567;
/// Most bytes of one call: a prime.
pub(super) const CHUNK: usize = 16_411;
/// Address of both ends, unless a path has its own.
pub(super) const LOOPBACK: &str = "127.0.0.1:0";

/// One connection over IPv4 loopback. `sender` returns what it sent; `receiver` reads to the end
/// and returns what arrived. Both are compared with what TCP itself has counted.
pub(super) fn pair(
    workload: &mut Workload,
    sender: impl FnOnce(&TcpStream) -> Result<u64>,
    receiver: impl FnOnce(&TcpStream) -> Result<u64>,
) -> Result<()> {
    pair_at(workload, LOOPBACK, sender, receiver)
}

/// [`pair`], bound to an address and port.
pub(super) fn pair_at(
    workload: &mut Workload,
    address: &str,
    sender: impl FnOnce(&TcpStream) -> Result<u64>,
    receiver: impl FnOnce(&TcpStream) -> Result<u64>,
) -> Result<()> {
    let listener = TcpListener::bind(address)?;
    let sender = |stream: &TcpStream| checked_sent(stream, sender(stream)?);
    let receiver = |stream: &TcpStream| checked_received(stream, receiver(stream)?);
    pair_over(workload, listener, connect, sender, receiver)
}

/// One connection over any listener and any way to connect to it.
pub(super) fn pair_over(
    workload: &mut Workload,
    listener: TcpListener,
    connect: impl FnOnce(SocketAddr) -> Result<TcpStream>,
    sender: impl FnOnce(&TcpStream) -> Result<u64>,
    receiver: impl FnOnce(&TcpStream) -> Result<u64>,
) -> Result<()> {
    let to = listener.local_addr()?;
    workload.spawn("receiver", move || {
        Ok(Moved::received(receiver(&listener.accept()?.0)?))
    })?;
    workload.spawn("sender", || Ok(Moved::sent(sender(&connect(to)?)?)))
}

/// Connects, with no option set.
pub(super) fn connect(to: SocketAddr) -> Result<TcpStream> {
    TcpStream::connect(to).context("no connection")
}

/// Compares `sent` with the kernel's own counters of the connection.
pub(super) fn checked_sent(stream: &TcpStream, sent: u64) -> Result<u64> {
    let info = calls::tcp_info(stream)?;
    let left = info.tcpi_bytes_sent - info.tcpi_bytes_retrans + u64::from(info.tcpi_notsent_bytes);
    ensure!(left == sent, "TCP took {left} bytes, the calls say {sent}");
    Ok(sent)
}

/// Compares `received` with the kernel's own counter, at the end of the stream.
pub(super) fn checked_received(stream: &TcpStream, received: u64) -> Result<u64> {
    // The peer's FIN takes a place in the sequence and is counted as one byte.
    let came = calls::tcp_info(stream)?.tcpi_bytes_received;
    ensure!(
        came == received || came == received + 1,
        "TCP got {came}, the calls say {received}"
    );
    Ok(received)
}

/// Calls `hand_over` with what is left of [`TOTAL`] bytes, a chunk at most, until all are sent.
pub(super) fn push(hand_over: impl FnMut(&[u8]) -> nix::Result<usize>) -> Result<u64> {
    push_bytes(TOTAL, hand_over)
}

/// [`push`] for any number of bytes.
pub(super) fn push_bytes(
    total: usize,
    mut hand_over: impl FnMut(&[u8]) -> nix::Result<usize>,
) -> Result<u64> {
    let chunk = vec![0x5a; CHUNK];
    let mut sent = 0;
    while sent < total {
        let part = chunk.get(..CHUNK.min(total - sent)).unwrap_or(&chunk);
        let n = hand_over(part)?;
        ensure!(n > 0, "a send took nothing");
        sent += n;
    }
    Ok(u64::try_from(sent)?)
}

/// Calls `receive` until it returns 0, and sums the results.
pub(super) fn drain(mut receive: impl FnMut(&mut [u8]) -> nix::Result<usize>) -> Result<u64> {
    let mut buffer = vec![0; CHUNK];
    let mut received = 0;
    loop {
        match receive(&mut buffer)? {
            0 => return Ok(received),
            n => received += u64::try_from(n)?,
        }
    }
}

/// Sends everything with plain writes.
pub(super) fn write_all(stream: &TcpStream) -> Result<u64> {
    push(|part| nix::unistd::write(stream, part))
}

/// Receives until the end with plain reads.
pub(super) fn read_all(stream: &TcpStream) -> Result<u64> {
    drain(|buffer| nix::unistd::read(stream, buffer))
}
