//! Processes, threads and programs that come and go: bytes keep their owner.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::datagram;
use super::stream::{LOOPBACK, TOTAL, connect, pair_over, push_bytes, read_all, write_all};
use super::{Absent, Path, Topic};
use crate::load::result::ProcessBytes;
use crate::load::workload::{Gate, Moved, Workload};
use crate::sys::wait;

pub(super) const TOPIC: Topic = Topic {
    name: "lifetime",
    paths: &[
        Path::even("tcp_threads", threads),
        Path::even("tcp_leader_ended", leader_ended),
        Path::even("tcp_brief_senders", brief_senders),
        Path::even("tcp_brief_receivers", brief_receivers),
        Path::even("tcp_brief_programs", brief_programs),
        Path::even("tcp_with_pauses", with_pauses),
        Path::even("udp_brief_senders", udp_brief),
        Path::even("tcp_reused_pid", reused_pid),
        Path::even("tcp_sender_gone_before_read", gone_before_read),
        Path::even("tcp_sender_killed", killed),
        Path::even("tcp_exec_before_send", |workload| exec(workload, 0)),
        Path::even("tcp_exec_between_sends", |workload| exec(workload, 100_003)),
        Path::even("tcp_exec_between_reads", exec_reader),
    ],
};

const THREADS: usize = 4;
const PROCESSES: usize = 60;
/// Name that a program has by its file. A process that becomes one has it before, too: between the
/// exec and any call that gives another name, the tracer may read it.
const PROGRAM: &str = "mover";
/// What a process sends that lives for a moment, plus its number.
const BRIEF: usize = 1009;

/// Sends `bytes` over a connection of its own.
pub(super) fn send_to(to: SocketAddr, bytes: usize) -> Result<u64> {
    let stream = connect(to)?;
    push_bytes(bytes, |part| nix::unistd::write(&stream, part))
}

/// Reads `connections` connections to their ends, one after the other.
fn serve(listener: &TcpListener, connections: usize) -> Result<Moved> {
    let mut rx = 0;
    for _ in 0..connections {
        rx += read_all(&listener.accept()?.0)?;
    }
    Ok(Moved::received(rx))
}

/// The threads have names of their own; the bytes are the process's.
fn threads(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    workload.spawn("server", move || serve(&listener, THREADS))?;
    workload.spawn("client", || {
        let spawn = |index| {
            let name = format!("thread {index}");
            thread::Builder::new()
                .name(name)
                .spawn(move || send_to(to, TOTAL / 3 + index))
        };
        let running: Vec<_> = (0..THREADS).map(spawn).collect::<std::io::Result<_>>()?;
        let mut tx = 0;
        for thread in running {
            tx += thread.join().ok().context("a thread panicked")??;
        }
        Ok(Moved::sent(tx))
    })
}

fn leader_ended(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    workload.spawn("server", move || serve(&listener, 1))?;
    workload.spawn_leaderless("client", move || Ok(Moved::sent(send_to(to, TOTAL)?)))
}

/// Each process lives for a millisecond or two: connect, send, close, exit.
fn brief_senders(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    workload.spawn("server", move || serve(&listener, PROCESSES))?;
    for index in 0..PROCESSES {
        workload.spawn("brief", move || {
            Ok(Moved::sent(send_to(to, BRIEF + index)?))
        })?;
    }
    Ok(())
}

fn brief_receivers(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    workload.spawn("server", move || {
        let mut tx = 0;
        for index in 0..PROCESSES {
            let (stream, _) = listener.accept()?;
            tx += push_bytes(BRIEF + index, |part| nix::unistd::write(&stream, part))?;
        }
        Ok(Moved::sent(tx))
    })?;
    for _ in 0..PROCESSES {
        workload.spawn("brief", move || {
            Ok(Moved::received(read_all(&connect(to)?)?))
        })?;
    }
    Ok(())
}

/// Between its connections, the client has no socket for longer than a tick of the tests lasts.
fn with_pauses(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    let times = 3;
    workload.spawn("server", move || serve(&listener, times))?;
    workload.spawn("client", move || {
        let mut tx = 0;
        for _ in 0..times {
            tx += send_to(to, 100_003)?;
            thread::sleep(Duration::from_millis(500));
        }
        Ok(Moved::sent(tx))
    })
}

/// As [`brief_senders`], but each process is also a program of its own.
fn brief_programs(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    let programs = 20;
    workload.spawn("server", move || serve(&listener, programs))?;
    workload.spawn_parent("parent", move || {
        (0..programs)
            .map(|index| program(to, BRIEF + index))
            .collect()
    })
}

fn program(to: SocketAddr, bytes: usize) -> Result<ProcessBytes> {
    let mut mover = mover("send")?;
    let mut child = mover.args([&to.to_string(), &bytes.to_string()]).spawn()?;
    ensure!(child.wait()?.success(), "a program failed");
    let (name, tx_bytes) = (PROGRAM.to_owned(), u64::try_from(bytes)?);
    Ok(ProcessBytes {
        pid: child.id(),
        name,
        tx_bytes,
        rx_bytes: 0,
    })
}

fn mover(verb: &str) -> Result<Command> {
    let mut mover = Command::new(std::env::current_exe()?);
    mover.arg(verb);
    Ok(mover)
}

/// Two processes that have the same pid, one after the other.
fn reused_pid(workload: &mut Workload) -> Result<()> {
    if !std::fs::exists("/proc/sys/kernel/ns_last_pid")? {
        return Err(Absent("the kernel has no CONFIG_CHECKPOINT_RESTORE".to_owned()).into());
    }
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    workload.spawn("server", move || serve(&listener, 2))?;
    workload.spawn_parent("parent", move || {
        let mut first = Workload::new(Gate::Open);
        first.spawn("first", || Ok(Moved::sent(send_to(to, 100_003)?)))?;
        let mut rows = first.finish()?;
        let mut second = Workload::new(Gate::Open);
        second.reuse_pid(rows.first().context("no first process")?.pid);
        second.spawn("second", || Ok(Moved::sent(send_to(to, 300_007)?)))?;
        rows.append(&mut second.finish()?);
        Ok(rows)
    })
}

fn udp_brief(workload: &mut Workload) -> Result<()> {
    let socket = datagram::roomy(LOOPBACK)?;
    let to = socket.local_addr()?;
    for index in 0..PROCESSES {
        workload.spawn("brief", move || {
            let own = UdpSocket::bind(LOOPBACK)?;
            Ok(Moved::sent(u64::try_from(
                own.send_to(&vec![0x5a; BRIEF + index], to)?,
            )?))
        })?;
    }
    workload.spawn("server", move || {
        let mut rx = 0;
        for _ in 0..PROCESSES {
            rx += u64::try_from(socket.recv(&mut [0; 2 * BRIEF])?)?;
        }
        Ok(Moved::received(rx))
    })
}

/// All fits into the receiver's buffer; it reads when the sender's end of stream has come.
fn gone_before_read(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let sender = |stream: &TcpStream| push_bytes(30_011, |part| nix::unistd::write(stream, part));
    pair_over(workload, listener, connect, sender, |stream| {
        wait::peer_end(stream)?;
        read_all(stream)
    })
}

fn killed(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    workload.spawn("server", move || serve(&listener, 1))?;
    workload.spawn_killed("victim", || {
        let stream = connect(to)?;
        let tx = write_all(&stream)?;
        std::mem::forget(stream);
        Ok(Moved::sent(tx))
    })
}

/// The program that comes after inherits the connection and goes on with it.
fn exec(workload: &mut Workload, before: usize) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    workload.spawn("server", move || serve(&listener, 1))?;
    workload.spawn_exec(PROGRAM, move || {
        let stream = connect(to)?;
        push_bytes(before, |part| nix::unistd::write(&stream, part))?;
        let next = inherit(stream, "write", TOTAL)?;
        Ok((Moved::sent(u64::try_from(before + TOTAL)?), next))
    })
}

fn exec_reader(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    let before = 100_003;
    workload.spawn_exec(PROGRAM, move || {
        let (stream, _) = listener.accept()?;
        let mut left = before;
        while left > 0 {
            left -= nix::unistd::read(&stream, &mut vec![0; left])?;
        }
        let next = inherit(stream, "read", TOTAL - before)?;
        Ok((Moved::received(u64::try_from(TOTAL)?), next))
    })?;
    workload.spawn("client", || Ok(Moved::sent(write_all(&connect(to)?)?)))
}

/// A program that moves `bytes` over `stream`, which it inherits.
fn inherit(stream: TcpStream, verb: &str, bytes: usize) -> Result<Command> {
    fcntl(&stream, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let mut next = mover(verb)?;
    next.args([&stream.as_raw_fd().to_string(), &bytes.to_string()]);
    std::mem::forget(stream);
    Ok(next)
}
