//! Sockets that come and go by the thousand, and processes by the hundred, each second.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::load::result::PathResult;
use crate::load::result::ProcessBytes;
use crate::load::workload::{Gate, Moved, Workload};
use crate::sys::deadline::Deadline;
use crate::sys::stdout::print_line;

/// Sizes of the transfers in turn, all odd.
const SIZES: [usize; 5] = [1, 77, 1009, 4099, 20_011];

/// Pause between two sockets: without it the processors would be busy, and a tracer built without optimisation
/// too slow for the size of its tables.
const BETWEEN_SOCKETS: Duration = Duration::from_micros(100);
/// Pause between two processes: without it, pids would be reused within half a minute.
const BETWEEN_PROCESSES: Duration = Duration::from_millis(1);

/// Makes connections, sockets and processes for `seconds`, and prints what each process moved.
///
/// # Errors
/// When a process fails.
pub fn run(seconds: u64) -> Result<()> {
    let mut workload = Workload::new(Gate::Open);
    workload.extend_timeout(seconds);
    tcp(&mut workload, seconds)?;
    udp(&mut workload, seconds)?;
    processes(&mut workload, seconds)?;
    let rows = workload.finish()?;
    let result = PathResult::Moved {
        path: "churn".to_owned(),
        rows,
    };
    print_line(&serde_json::to_string(&result)?)
}

fn home() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn sizes() -> impl Iterator<Item = usize> {
    SIZES.into_iter().cycle()
}

/// Request and response on a new connection each time; the last request is empty.
fn tcp(workload: &mut Workload, seconds: u64) -> Result<()> {
    let listener = TcpListener::bind(home())?;
    let to = listener.local_addr()?;
    workload.spawn("churn tcp in", move || {
        let mut moved = Moved::default();
        loop {
            let mut stream = listener.accept()?.0;
            let rx = stream.read(&mut vec![0; 65_536])?;
            if rx == 0 {
                return Ok(moved);
            }
            stream.write_all(&[0x5a; 33])?;
            moved.rx += u64::try_from(rx)? + read_to_end(&mut stream)?;
            moved.tx += 33;
        }
    })?;
    workload.spawn("churn tcp out", move || {
        let deadline = Deadline::seconds(seconds);
        let mut moved = Moved::default();
        for size in sizes() {
            let mut stream = TcpStream::connect(to)?;
            if deadline.passed() {
                break;
            }
            stream.write_all(&vec![0x5a; size])?;
            stream.shutdown(std::net::Shutdown::Write)?;
            moved.tx += u64::try_from(size)?;
            moved.rx += read_to_end(&mut stream)?;
            thread::sleep(BETWEEN_SOCKETS);
        }
        Ok(moved)
    })
}

fn read_to_end(stream: &mut TcpStream) -> Result<u64> {
    Ok(u64::try_from(stream.read_to_end(&mut Vec::new())?)?)
}

/// Question and answer over a new socket each time; the last question is empty.
fn udp(workload: &mut Workload, seconds: u64) -> Result<()> {
    let server = UdpSocket::bind(home())?;
    let to = server.local_addr()?;
    workload.spawn("churn udp in", move || {
        let mut moved = Moved::default();
        loop {
            let (rx, from) = server.recv_from(&mut vec![0; 65_536])?;
            if rx == 0 {
                return Ok(moved);
            }
            moved.rx += u64::try_from(rx)?;
            moved.tx += u64::try_from(server.send_to(&[0x5a; 33], from)?)?;
        }
    })?;
    workload.spawn("churn udp out", move || {
        let deadline = Deadline::seconds(seconds);
        let mut moved = Moved::default();
        for size in sizes() {
            let socket = UdpSocket::bind(home())?;
            if deadline.passed() {
                socket.send_to(&[], to)?;
                break;
            }
            moved.tx += u64::try_from(socket.send_to(&vec![0x5a; size], to)?)?;
            moved.rx += u64::try_from(socket.recv(&mut [0; 64])?)?;
            thread::sleep(BETWEEN_SOCKETS);
        }
        Ok(moved)
    })
}

/// Processes that live for one connection; the last connection is empty.
fn processes(workload: &mut Workload, seconds: u64) -> Result<()> {
    let listener = TcpListener::bind(home())?;
    let to = listener.local_addr()?;
    workload.spawn("churn server", move || {
        let mut moved = Moved::default();
        loop {
            match read_to_end(&mut listener.accept()?.0)? {
                0 => return Ok(moved),
                n => moved.rx += n,
            }
        }
    })?;
    workload.spawn_parent("churn parent", move || {
        let deadline = Deadline::seconds(seconds);
        let mut rows = Vec::new();
        for size in sizes() {
            if deadline.passed() {
                break;
            }
            rows.append(&mut brief(to, size)?);
            thread::sleep(BETWEEN_PROCESSES);
        }
        TcpStream::connect(to)?;
        Ok(rows)
    })
}

fn brief(to: SocketAddr, size: usize) -> Result<Vec<ProcessBytes>> {
    let mut workload = Workload::new(Gate::Open);
    workload.spawn("brief", || {
        TcpStream::connect(to)?.write_all(&vec![0x5a; size])?;
        Ok(Moved::sent(u64::try_from(size)?))
    })?;
    workload.finish()
}
