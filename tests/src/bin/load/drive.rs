//! The end that sends the requests.

use std::env;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use netperf_tests::sys::deadline::Deadline;

use crate::moved::Moved;
use crate::{CHUNK, ERRAND, MESSAGE, Work};

/// Rounds between two reads of the clock.
const BATCH: u64 = 64;

/// Works for `seconds`, and then ends the server by a connection without data.
pub(crate) fn drive(
    work: Work,
    address: SocketAddr,
    (seconds, times): (f64, bool),
) -> Result<Moved> {
    let until = Deadline::after(Duration::from_secs_f64(seconds));
    let mut moved = Moved::default();
    match work {
        Work::Rr if times => converse_by_the_clock(&mut moved, address, until)?,
        Work::Rr => converse(&mut moved, address, until)?,
        Work::Bulk => pour(&mut moved, address, until)?,
        Work::Churn => churn(&mut moved, address, until)?,
        Work::Swarm => swarm(&mut moved, address, until)?,
    }
    drop(TcpStream::connect(address)?);
    Ok(moved)
}

/// Sends once, and waits for one byte.
pub(crate) fn errand(address: SocketAddr) -> Result<Moved> {
    let mut moved = Moved::default();
    let socket = TcpStream::connect(address)?;
    moved.send(&socket, &vec![0; ERRAND])?;
    socket.shutdown(Shutdown::Write)?;
    ensure!(moved.receive(&socket, &mut [0])? == 1, "no receipt");
    Ok(moved)
}

fn converse(moved: &mut Moved, address: SocketAddr, until: Deadline) -> Result<()> {
    let socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    while !until.passed() {
        for _ in 0..BATCH {
            request(moved, &socket)?;
        }
    }
    moved.seconds = until.elapsed().as_secs_f64();
    Ok(())
}

/// The same, with a read of the clock after each round.
fn converse_by_the_clock(moved: &mut Moved, address: SocketAddr, until: Deadline) -> Result<()> {
    let socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    let mut rounds = Vec::new();
    while !until.passed() {
        let before = until.elapsed();
        request(moved, &socket)?;
        rounds.push(until.elapsed().saturating_sub(before));
    }
    moved.seconds = until.elapsed().as_secs_f64();
    rounds.sort_unstable();
    let longer = rounds.len() / 100;
    moved.p99 = rounds.iter().rev().nth(longer).copied();
    Ok(())
}

fn pour(moved: &mut Moved, address: SocketAddr, until: Deadline) -> Result<()> {
    let chunk = vec![0; CHUNK];
    let socket = TcpStream::connect(address)?;
    while !until.passed() {
        moved.send(&socket, &chunk)?;
        moved.operations += CHUNK as u64;
    }
    moved.seconds = until.elapsed().as_secs_f64();
    socket.shutdown(Shutdown::Write)?;
    moved.receive(&socket, &mut [0])?;
    Ok(())
}

fn churn(moved: &mut Moved, address: SocketAddr, until: Deadline) -> Result<()> {
    while !until.passed() {
        let socket = TcpStream::connect(address)?;
        request(moved, &socket)?;
        ensure!(
            moved.receive(&socket, &mut [0])? == 0,
            "more than one answer"
        );
    }
    moved.seconds = until.elapsed().as_secs_f64();
    Ok(())
}

fn swarm(moved: &mut Moved, address: SocketAddr, until: Deadline) -> Result<()> {
    let program = env::current_exe()?;
    while !until.passed() {
        // The process prints a line of its own to the same stdout.
        let status = Command::new(&program)
            .args(["errand", &address.to_string()])
            .status()?;
        ensure!(status.success(), "a process of the swarm: {status}");
        moved.operations += 1;
    }
    moved.seconds = until.elapsed().as_secs_f64();
    Ok(())
}

fn request(moved: &mut Moved, socket: &TcpStream) -> io::Result<()> {
    let mut message = [0; MESSAGE];
    moved.send(socket, &message)?;
    if moved.receive(socket, &mut message)? < MESSAGE {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    moved.operations += 1;
    Ok(())
}
