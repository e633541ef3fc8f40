//! Do the bytes keep their owner when processes, threads and programs come and go?

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
use crate::load::workload::{Cast, Gate, Moved};
use crate::sys::wait;
use crate::tracer::exact::Expected;

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
        Path::even("tcp_exec_before_send", |cast| exec(cast, 0)),
        Path::even("tcp_exec_between_sends", |cast| exec(cast, 100_003)),
        Path::even("tcp_exec_between_reads", exec_reader),
    ],
};

const THREADS: usize = 4;
const PROCESSES: usize = 60;
/// Name that a program has by its file. A process that becomes one has it before, too: between the
/// exec and any call that gives another name, the tracer may look.
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
fn threads(cast: &mut Cast) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    cast.role("server", move || serve(&listener, THREADS))?;
    cast.role("client", || {
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

fn leader_ended(cast: &mut Cast) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    cast.role("server", move || serve(&listener, 1))?;
    cast.leaderless("client", move || Ok(Moved::sent(send_to(to, TOTAL)?)))
}

/// Each process lives for a millisecond or two: connect, send, close, exit.
fn brief_senders(cast: &mut Cast) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    cast.role("server", move || serve(&listener, PROCESSES))?;
    for index in 0..PROCESSES {
        cast.role("brief", move || {
            Ok(Moved::sent(send_to(to, BRIEF + index)?))
        })?;
    }
    Ok(())
}

fn brief_receivers(cast: &mut Cast) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    cast.role("server", move || {
        let mut tx = 0;
        for index in 0..PROCESSES {
            let (stream, _) = listener.accept()?;
            tx += push_bytes(BRIEF + index, |part| nix::unistd::write(&stream, part))?;
        }
        Ok(Moved::sent(tx))
    })?;
    for _ in 0..PROCESSES {
        cast.role("brief", move || {
            Ok(Moved::received(read_all(&connect(to)?)?))
        })?;
    }
    Ok(())
}

/// Between its connections, the client has no socket for longer than a tick of the tests lasts.
fn with_pauses(cast: &mut Cast) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    let times = 3;
    cast.role("server", move || serve(&listener, times))?;
    cast.role("client", move || {
        let mut tx = 0;
        for _ in 0..times {
            tx += send_to(to, 100_003)?;
            thread::sleep(Duration::from_millis(500));
        }
        Ok(Moved::sent(tx))
    })
}

/// As [`brief_senders`], but each process is also a program of its own.
fn brief_programs(cast: &mut Cast) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    let programs = 20;
    cast.role("server", move || serve(&listener, programs))?;
    cast.troupe("parent", move || {
        (0..programs)
            .map(|index| program(to, BRIEF + index))
            .collect()
    })
}

fn program(to: SocketAddr, bytes: usize) -> Result<Expected> {
    let mut mover = mover("send")?;
    let mut child = mover.args([&to.to_string(), &bytes.to_string()]).spawn()?;
    ensure!(child.wait()?.success(), "a program failed");
    let (name, tx_bytes) = (PROGRAM.to_owned(), u64::try_from(bytes)?);
    Ok(Expected {
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
fn reused_pid(cast: &mut Cast) -> Result<()> {
    if !std::fs::exists("/proc/sys/kernel/ns_last_pid")? {
        return Err(Absent("the kernel has no CONFIG_CHECKPOINT_RESTORE".to_owned()).into());
    }
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    cast.role("server", move || serve(&listener, 2))?;
    cast.troupe("parent", move || {
        let mut first = Cast::new(Gate::Open);
        first.role("first", || Ok(Moved::sent(send_to(to, 100_003)?)))?;
        let mut rows = first.finish()?;
        let mut second = Cast::new(Gate::Open);
        second.reuse_pid(rows.first().context("no first process")?.pid);
        second.role("second", || Ok(Moved::sent(send_to(to, 300_007)?)))?;
        rows.append(&mut second.finish()?);
        Ok(rows)
    })
}

fn udp_brief(cast: &mut Cast) -> Result<()> {
    let socket = datagram::roomy(LOOPBACK)?;
    let to = socket.local_addr()?;
    for index in 0..PROCESSES {
        cast.role("brief", move || {
            let own = UdpSocket::bind(LOOPBACK)?;
            Ok(Moved::sent(u64::try_from(
                own.send_to(&vec![0x5a; BRIEF + index], to)?,
            )?))
        })?;
    }
    cast.role("server", move || {
        let mut rx = 0;
        for _ in 0..PROCESSES {
            rx += u64::try_from(socket.recv(&mut [0; 2 * BRIEF])?)?;
        }
        Ok(Moved::received(rx))
    })
}

/// All fits into the receiver's buffer; it reads when the sender's end of stream has come.
fn gone_before_read(cast: &mut Cast) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let sender = |stream: &TcpStream| push_bytes(30_011, |part| nix::unistd::write(stream, part));
    pair_over(cast, listener, connect, sender, |stream| {
        wait::peer_end(stream)?;
        read_all(stream)
    })
}

fn killed(cast: &mut Cast) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    cast.role("server", move || serve(&listener, 1))?;
    cast.victim("victim", || {
        let stream = connect(to)?;
        let tx = write_all(&stream)?;
        std::mem::forget(stream);
        Ok(Moved::sent(tx))
    })
}

/// The program that comes after inherits the connection and goes on with it.
fn exec(cast: &mut Cast, before: usize) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    cast.role("server", move || serve(&listener, 1))?;
    cast.becoming(PROGRAM, move || {
        let stream = connect(to)?;
        push_bytes(before, |part| nix::unistd::write(&stream, part))?;
        let next = inherit(stream, "write", TOTAL)?;
        Ok((Moved::sent(u64::try_from(before + TOTAL)?), next))
    })
}

fn exec_reader(cast: &mut Cast) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    let before = 100_003;
    cast.becoming(PROGRAM, move || {
        let (stream, _) = listener.accept()?;
        let mut left = before;
        while left > 0 {
            left -= nix::unistd::read(&stream, &mut vec![0; left])?;
        }
        let next = inherit(stream, "read", TOTAL - before)?;
        Ok((Moved::received(u64::try_from(TOTAL)?), next))
    })?;
    cast.role("client", || Ok(Moved::sent(write_all(&connect(to)?)?)))
}

/// A program that moves `bytes` over `stream`, which it inherits.
fn inherit(stream: TcpStream, verb: &str, bytes: usize) -> Result<Command> {
    fcntl(&stream, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let mut next = mover(verb)?;
    next.args([&stream.as_raw_fd().to_string(), &bytes.to_string()]);
    std::mem::forget(stream);
    Ok(next)
}
