//! The kinds of loss, each between a client and a server.

use std::io::{PipeWriter, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::sys::socket::{SockaddrStorage, connect, setsockopt, sockopt};

use super::counters::{Counters, await_retransmissions};
use super::{ClientReport, PATIENCE_SECS};
use crate::load::sync::{Barrier, Semaphore};
use crate::load::workload::{Moved, Workload};
use crate::sys::calls;
use crate::sys::deadline::Deadline;
use crate::sys::wait;

/// Address of a server that starts to listen only when the tracer runs: this network namespace has
/// no other process.
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 4100);

/// Bytes that `data` sends.
const BYTES: usize = 4 << 20;

/// Reports how many segments the client's connection has retransmitted.
fn report(pipe: &PipeWriter, socket: &impl AsFd) -> Result<()> {
    report_since(pipe, socket, None)
}

/// The same since the counters of the connection and of the namespace had these values.
fn report_since(
    mut pipe: &PipeWriter,
    socket: &impl AsFd,
    since: Option<(u32, u64)>,
) -> Result<()> {
    let all = calls::tcp_info(socket)?.tcpi_total_retrans;
    let report = ClientReport {
        client_segments: Some(u64::from(all - since.map_or(0, |(client, _)| client))),
        segments_before: since.map(|(_, before)| before),
    };
    Ok(pipe.write_all(&serde_json::to_vec(&report)?)?)
}

/// Waits until everything sent has been acknowledged, so that nothing is left to retransmit.
fn await_settled(socket: &impl AsFd) -> Result<()> {
    let deadline = Deadline::seconds(PATIENCE_SECS);
    while calls::tcp_info(socket)?.tcpi_unacked > 0 {
        ensure!(!deadline.passed(), "segments are never acknowledged");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// A tenth of what arrives is lost at random during a whole transfer.
pub(super) fn data(workload: &mut Workload, pipe: &PipeWriter) -> Result<()> {
    let barrier = Barrier::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let to = listener.local_addr()?;
    workload.spawn("server", || {
        barrier.wait()?;
        let (mut stream, _) = listener.accept()?;
        calls::lose(&stream, calls::Loss::OneInTen)?;
        let mut all = Vec::new();
        stream.read_to_end(&mut all)?;
        ensure!(all.len() == BYTES, "{} bytes arrived", all.len());
        calls::lose(&stream, calls::Loss::Nothing)?;
        Ok(Moved::received(u64::try_from(all.len())?))
    })?;
    workload.spawn("client", || {
        barrier.wait()?;
        let mut stream = TcpStream::connect(to)?;
        stream.write_all(&vec![0x5a; BYTES])?;
        stream.shutdown(Shutdown::Write)?;
        ensure!(stream.read(&mut [0])? == 0, "the server sent something");
        report(pipe, &stream)?;
        Ok(Moved::sent(u64::try_from(BYTES)?))
    })?;
    workload.release(&barrier, 2)
}

/// The client receives nothing at first: its SYN and the listener's SYN-ACK are retransmitted.
pub(super) fn handshake(workload: &mut Workload, pipe: &PipeWriter) -> Result<()> {
    let (barrier, listening) = (Barrier::new()?, Semaphore::new()?);
    let to = SockaddrStorage::from(SERVER);
    workload.spawn("server", || {
        barrier.wait()?;
        let listener = TcpListener::bind(SERVER)?;
        listening.post(1)?;
        listener.accept()?;
        Ok(Moved::default())
    })?;
    workload.spawn("client", || {
        barrier.wait()?;
        listening.wait()?;
        let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK;
        let socket = calls::socket(libc::AF_INET, kind, 0)?;
        calls::lose(&socket, calls::Loss::Everything)?;
        match connect(socket.as_raw_fd(), &to) {
            Err(Errno::EINPROGRESS) => {}
            other => bail!("connected: {other:?}"),
        }
        await_retransmissions(3)?;
        calls::lose(&socket, calls::Loss::Nothing)?;
        wait::writable(&socket)?;
        report(pipe, &socket)?;
        Ok(Moved::default())
    })?;
    workload.release(&barrier, 2)
}

/// The client has exited, and the kernel goes on sending for it.
pub(super) fn orphan(workload: &mut Workload, _: &PipeWriter) -> Result<()> {
    let barrier = Barrier::new()?;
    let deaf = Semaphore::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let to = listener.local_addr()?;
    workload.spawn("server", || {
        barrier.wait()?;
        let (mut stream, _) = listener.accept()?;
        calls::lose(&stream, calls::Loss::Everything)?;
        deaf.post(1)?;
        await_retransmissions(2)?;
        calls::lose(&stream, calls::Loss::Nothing)?;
        let mut all = Vec::new();
        stream.read_to_end(&mut all)?;
        Ok(Moved::received(u64::try_from(all.len())?))
    })?;
    workload.spawn("client", || {
        barrier.wait()?;
        let mut stream = TcpStream::connect(to)?;
        deaf.wait()?;
        stream.write_all(&[0x5a; 1009])?;
        Ok(Moved::sent(1009))
    })?;
    workload.release(&barrier, 2)
}

/// The client has closed its connection before the tracer starts, with data for which the server had no room. It is
/// lost at first when there is.
pub(super) fn ownerless(workload: &mut Workload, _: &PipeWriter) -> Result<()> {
    let barrier = Barrier::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let to = listener.local_addr()?;
    workload.spawn("server", || {
        let (mut stream, _) = listener.accept()?;
        barrier.wait()?;
        calls::lose(&stream, calls::Loss::Everything)?;
        let taken = take_ready(&mut stream)?;
        await_retransmissions(1)?;
        Ok(Moved::received(u64::try_from(taken)?))
    })?;
    workload.spawn("client", || {
        let mut stream = TcpStream::connect(to)?;
        fill(&mut stream)?;
        drop(stream);
        barrier.wait()?;
        Ok(Moved::default())
    })?;
    workload.release(&barrier, 2)
}

/// What the client wrote before the tracer started is lost afterwards; the client does nothing meanwhile.
pub(super) fn older(workload: &mut Workload, pipe: &PipeWriter) -> Result<()> {
    let barrier = Barrier::new()?;
    let done = Semaphore::new()?;
    let (mut written, wrote) = std::io::pipe()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let to = listener.local_addr()?;
    workload.spawn("server", || {
        let (mut stream, _) = listener.accept()?;
        let mut bytes = [0; 8];
        written.read_exact(&mut bytes)?;
        let all = usize::try_from(u64::from_ne_bytes(bytes))?;
        barrier.wait()?;
        calls::lose(&stream, calls::Loss::Everything)?;
        let mut taken = take_ready(&mut stream)?;
        await_retransmissions(2)?;
        calls::lose(&stream, calls::Loss::Nothing)?;
        stream.set_nonblocking(false)?;
        while taken < all {
            let n = stream.read(&mut [0; 16_384])?;
            ensure!(n > 0, "the client is gone");
            taken += n;
        }
        done.post(1)?;
        Ok(Moved::received(u64::try_from(taken)?))
    })?;
    workload.spawn("client", || {
        let mut stream = TcpStream::connect(to)?;
        let all = fill(&mut stream)?;
        await_settled(&stream)?;
        let before = (
            calls::tcp_info(&stream)?.tcpi_total_retrans,
            Counters::read()?.segments,
        );
        (&wrote).write_all(&all.to_ne_bytes())?;
        barrier.wait()?;
        done.wait()?;
        report_since(pipe, &stream, Some(before))?;
        Ok(Moved::sent(all))
    })?;
    workload.release(&barrier, 2)
}

/// Writes until the socket takes nothing more.
fn fill(stream: &mut TcpStream) -> Result<u64> {
    stream.set_nonblocking(true)?;
    let mut all = 0;
    loop {
        match stream.write(&[0x5a; 16_384]) {
            Ok(n) => all += u64::try_from(n)?,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                // The other end's queue may still have room for what is on its way.
                thread::sleep(Duration::from_millis(50));
                match stream.write(&[0x5a; 1]) {
                    Ok(n) => all += u64::try_from(n)?,
                    Err(_) => return Ok(all),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads everything that has arrived.
fn take_ready(stream: &mut TcpStream) -> Result<usize> {
    stream.set_nonblocking(true)?;
    let mut taken = 0;
    loop {
        match stream.read(&mut [0; 16_384]) {
            Ok(n) => taken += n,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(taken),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The client connects to a closed port, and then aborts a connection.
pub(super) fn reset(workload: &mut Workload, _: &PipeWriter) -> Result<()> {
    let (barrier, listening) = (Barrier::new()?, Semaphore::new()?);
    workload.spawn("server", || {
        barrier.wait()?;
        let listener = TcpListener::bind(SERVER)?;
        listening.post(1)?;
        let (mut stream, _) = listener.accept()?;
        let error = stream.read(&mut [0]).err().context("not aborted")?;
        ensure!(
            error.kind() == std::io::ErrorKind::ConnectionReset,
            "{error}"
        );
        Ok(Moved::default())
    })?;
    workload.spawn("client", || {
        barrier.wait()?;
        listening.wait()?;
        let refused = TcpStream::connect("127.0.0.1:9").err();
        let refused = refused.context("port 9 is open")?;
        ensure!(
            refused.kind() == std::io::ErrorKind::ConnectionRefused,
            "{refused}"
        );
        let stream = TcpStream::connect(SERVER)?;
        let abort = libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        setsockopt(&stream, sockopt::Linger, &abort)?;
        Ok(Moved::default())
    })?;
    workload.release(&barrier, 2)
}

/// The server does not read its datagrams.
pub(super) fn unread(workload: &mut Workload, _: &PipeWriter) -> Result<()> {
    let barrier = Barrier::new()?;
    let sent = Semaphore::new()?;
    workload.spawn("server", || {
        let socket = UdpSocket::bind("127.0.0.1:4300")?;
        setsockopt(&socket, sockopt::RcvBuf, &4096)?;
        barrier.wait()?;
        sent.wait()?;
        Ok(Moved::default())
    })?;
    workload.spawn("client", || {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        barrier.wait()?;
        for _ in 0..100 {
            socket.send_to(&[0x5a; 1009], "127.0.0.1:4300")?;
        }
        sent.post(1)?;
        Ok(Moved::default())
    })?;
    workload.release(&barrier, 2)
}
