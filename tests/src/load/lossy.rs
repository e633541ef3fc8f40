//! What does the kernel itself say was lost? Loss made on purpose in the network namespace that the
//! caller runs in, by filters on sockets that let nothing, or not everything, pass.

use std::fs;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::sys::socket::{SockaddrStorage, connect, setsockopt, sockopt};
use serde::{Deserialize, Serialize};

use crate::load::sync::{Cue, Curtain};
use crate::load::workload::{Cast, Gate, Moved};
use crate::sys::calls;
use crate::sys::deadline::Deadline;
use crate::sys::wait;

/// Ways to lose something.
pub const KINDS: [&str; 6] = ["data", "handshake", "orphan", "older", "reset", "unread"];

/// Longest time in which the kernel must have sent something again.
const PATIENCE_SECS: u64 = 90;

/// What is sent again a first and a second time is within it.
const QUIET: Duration = Duration::from_millis(1_500);

/// Where a server listens that starts to only then: nobody else is in this network namespace.
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 4100);

/// What `data` sends.
const BYTES: usize = 4 << 20;

/// What was lost, by the kernel's own figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Truth {
    /// Inode number of the network namespace.
    pub netns: u64,
    /// `RetransSegs` in `/proc/net/snmp`.
    pub segments: u64,
    /// `OutRsts`.
    pub resets_sent: u64,
    /// `RcvbufErrors` of UDP.
    pub unread_datagrams: u64,
    /// Segments that the client's connection sent again (`TCP_INFO`), where it still had it.
    pub client_segments: Option<u64>,
    /// Pid of the client.
    pub client: u32,
    /// Pid of the server.
    pub server: u32,
}

/// Plays one of [`KINDS`] once the tracer runs, and prints the [`Truth`].
///
/// # Errors
/// When the kernel loses nothing.
pub fn run(kind: &str) -> Result<()> {
    let act = match kind {
        "data" => data,
        "handshake" => handshake,
        "orphan" => orphan,
        "older" => older,
        "reset" => reset,
        "unread" => unread,
        _ => bail!("nothing is lost by `{kind}`, but by {KINDS:?}"),
    };
    let (told, tell) = std::io::pipe()?;
    let mut cast = Cast::new(Gate::Stdio);
    cast.take_time(PATIENCE_SECS);
    let before = Counters::read()?;
    act(&mut cast, &tell)?;
    let pid = |name| cast.pids().find(|(other, _)| *other == name);
    let (client, server) = (
        pid("client").context("no client")?.1,
        pid("server").context("no server")?.1,
    );
    cast.finish()?;
    drop(tell);
    let after = Counters::read()?;
    let heard = heard(told)?;
    let truth = Truth {
        netns: fs::metadata("/proc/self/ns/net")?.ino(),
        segments: after.segments - heard.before.unwrap_or(before.segments),
        resets_sent: after.resets_sent - before.resets_sent,
        unread_datagrams: after.unread_datagrams - before.unread_datagrams,
        client_segments: heard.client_segments,
        client,
        server,
    };
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&truth)?)?;
    Ok(())
}

/// What the client says at last.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Heard {
    /// Segments that its connection sent again.
    client_segments: Option<u64>,
    /// `RetransSegs` from which on what is lost counts, where it is not that of the beginning.
    before: Option<u64>,
}

fn heard(mut told: PipeReader) -> Result<Heard> {
    let mut text = String::new();
    told.read_to_string(&mut text)?;
    if text.is_empty() {
        return Ok(Heard::default());
    }
    Ok(serde_json::from_str(&text)?)
}

/// The kernel's counters of this network namespace.
#[derive(Clone, Copy, Debug)]
pub struct Counters {
    /// Segments that TCP has sent again.
    pub segments: u64,
    /// Resets that TCP has sent.
    pub resets_sent: u64,
    unread_datagrams: u64,
}

impl Counters {
    /// As they are now.
    ///
    /// # Errors
    /// When this kernel has no such counters.
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string("/proc/self/net/snmp")?;
        Ok(Self {
            segments: counter(&text, "Tcp:", "RetransSegs")?,
            resets_sent: counter(&text, "Tcp:", "OutRsts")?,
            unread_datagrams: counter(&text, "Udp:", "RcvbufErrors")?,
        })
    }

    /// As they are once nothing has been sent again for a while.
    ///
    /// # Errors
    /// When that goes on, or this kernel has no such counters.
    pub fn settled() -> Result<Self> {
        let deadline = Deadline::seconds(PATIENCE_SECS);
        let mut before = Self::read()?;
        loop {
            thread::sleep(QUIET);
            let now = Self::read()?;
            if now.segments == before.segments {
                return Ok(now);
            }
            ensure!(!deadline.passed(), "the kernel goes on sending again");
            before = now;
        }
    }
}

/// The names are in one line, the values in the next.
fn counter(text: &str, protocol: &str, name: &str) -> Result<u64> {
    let mut lines = text.lines().filter(|line| line.starts_with(protocol));
    let (names, values) = lines.next().zip(lines.next()).context("no such protocol")?;
    let mut both = names.split(' ').zip(values.split(' '));
    let found = both.find(|(one, _)| *one == name).context("no counter")?;
    Ok(found.1.parse()?)
}

/// Waits until the kernel has sent so many segments again.
fn await_retransmissions(more: u64) -> Result<()> {
    let before = Counters::read()?.segments;
    let deadline = Deadline::seconds(PATIENCE_SECS);
    while Counters::read()?.segments < before + more {
        ensure!(!deadline.passed(), "the kernel sent nothing again");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Says how many segments the client's connection has sent again.
fn report(tell: &PipeWriter, socket: &impl AsFd) -> Result<()> {
    report_since(tell, socket, None)
}

/// The same since the figures of the connection and of the namespace were these.
fn report_since(
    mut tell: &PipeWriter,
    socket: &impl AsFd,
    since: Option<(u32, u64)>,
) -> Result<()> {
    let all = calls::tcp_info(socket)?.tcpi_total_retrans;
    let heard = Heard {
        client_segments: Some(u64::from(all - since.map_or(0, |(of_client, _)| of_client))),
        before: since.map(|(_, before)| before),
    };
    Ok(tell.write_all(&serde_json::to_vec(&heard)?)?)
}

/// Waits until all that was sent has arrived: there is nothing that could be sent again.
fn await_settled(socket: &impl AsFd) -> Result<()> {
    let deadline = Deadline::seconds(PATIENCE_SECS);
    while calls::tcp_info(socket)?.tcpi_unacked > 0 {
        ensure!(!deadline.passed(), "it never arrives");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// A tenth of what arrives is lost at random, all through a transfer.
fn data(cast: &mut Cast, tell: &PipeWriter) -> Result<()> {
    let curtain = Curtain::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let to = listener.local_addr()?;
    cast.role("server", || {
        curtain.wait()?;
        let (mut stream, _) = listener.accept()?;
        calls::lose(&stream, calls::Loss::OneInTen)?;
        let mut all = Vec::new();
        stream.read_to_end(&mut all)?;
        ensure!(all.len() == BYTES, "{} bytes came", all.len());
        calls::lose(&stream, calls::Loss::Nothing)?;
        Ok(Moved::received(u64::try_from(all.len())?))
    })?;
    cast.role("client", || {
        curtain.wait()?;
        let mut stream = TcpStream::connect(to)?;
        stream.write_all(&vec![0x5a; BYTES])?;
        stream.shutdown(Shutdown::Write)?;
        ensure!(stream.read(&mut [0])? == 0, "the server sent something");
        report(tell, &stream)?;
        Ok(Moved::sent(u64::try_from(BYTES)?))
    })?;
    cast.raise(&curtain, 2)
}

/// The client hears nothing at first: its SYN and the listener's answer are sent again.
fn handshake(cast: &mut Cast, tell: &PipeWriter) -> Result<()> {
    let (curtain, listening) = (Curtain::new()?, Cue::new()?);
    let to = SockaddrStorage::from(SERVER);
    cast.role("server", || {
        curtain.wait()?;
        let listener = TcpListener::bind(SERVER)?;
        listening.give(1)?;
        listener.accept()?;
        Ok(Moved::default())
    })?;
    cast.role("client", || {
        curtain.wait()?;
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
        report(tell, &socket)?;
        Ok(Moved::default())
    })?;
    cast.raise(&curtain, 2)
}

/// The client is gone, and the kernel goes on sending for it.
fn orphan(cast: &mut Cast, _: &PipeWriter) -> Result<()> {
    let curtain = Curtain::new()?;
    let deaf = Cue::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let to = listener.local_addr()?;
    cast.role("server", || {
        curtain.wait()?;
        let (mut stream, _) = listener.accept()?;
        calls::lose(&stream, calls::Loss::Everything)?;
        deaf.give(1)?;
        await_retransmissions(2)?;
        calls::lose(&stream, calls::Loss::Nothing)?;
        let mut all = Vec::new();
        stream.read_to_end(&mut all)?;
        Ok(Moved::received(u64::try_from(all.len())?))
    })?;
    cast.role("client", || {
        curtain.wait()?;
        let mut stream = TcpStream::connect(to)?;
        deaf.wait()?;
        stream.write_all(&[0x5a; 1009])?;
        Ok(Moved::sent(1009))
    })?;
    cast.raise(&curtain, 2)
}

/// What the client wrote before the tracer ran is lost after: it does nothing meanwhile.
fn older(cast: &mut Cast, tell: &PipeWriter) -> Result<()> {
    let curtain = Curtain::new()?;
    let done = Cue::new()?;
    let (mut written, wrote) = std::io::pipe()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let to = listener.local_addr()?;
    cast.role("server", || {
        let (mut stream, _) = listener.accept()?;
        let mut bytes = [0; 8];
        written.read_exact(&mut bytes)?;
        let all = usize::try_from(u64::from_ne_bytes(bytes))?;
        curtain.wait()?;
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
        done.give(1)?;
        Ok(Moved::received(u64::try_from(taken)?))
    })?;
    cast.role("client", || {
        let mut stream = TcpStream::connect(to)?;
        let all = fill(&mut stream)?;
        await_settled(&stream)?;
        let before = (
            calls::tcp_info(&stream)?.tcpi_total_retrans,
            Counters::read()?.segments,
        );
        (&wrote).write_all(&all.to_ne_bytes())?;
        curtain.wait()?;
        done.wait()?;
        report_since(tell, &stream, Some(before))?;
        Ok(Moved::sent(all))
    })?;
    cast.raise(&curtain, 2)
}

/// Writes until nothing more goes in.
fn fill(stream: &mut TcpStream) -> Result<u64> {
    stream.set_nonblocking(true)?;
    let mut all = 0;
    loop {
        match stream.write(&[0x5a; 16_384]) {
            Ok(n) => all += u64::try_from(n)?,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                // What the other end's queue can take may still be on its way.
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

/// Takes what is there now.
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

/// The client knocks where nobody listens, and then aborts a connection.
fn reset(cast: &mut Cast, _: &PipeWriter) -> Result<()> {
    let (curtain, listening) = (Curtain::new()?, Cue::new()?);
    cast.role("server", || {
        curtain.wait()?;
        let listener = TcpListener::bind(SERVER)?;
        listening.give(1)?;
        let (mut stream, _) = listener.accept()?;
        let error = stream.read(&mut [0]).err().context("not aborted")?;
        ensure!(
            error.kind() == std::io::ErrorKind::ConnectionReset,
            "{error}"
        );
        Ok(Moved::default())
    })?;
    cast.role("client", || {
        curtain.wait()?;
        listening.wait()?;
        let refused = TcpStream::connect("127.0.0.1:9").err();
        let refused = refused.context("somebody listens on port 9")?;
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
    cast.raise(&curtain, 2)
}

/// The server does not read its datagrams.
fn unread(cast: &mut Cast, _: &PipeWriter) -> Result<()> {
    let curtain = Curtain::new()?;
    let sent = Cue::new()?;
    cast.role("server", || {
        let socket = UdpSocket::bind("127.0.0.1:4300")?;
        setsockopt(&socket, sockopt::RcvBuf, &4096)?;
        curtain.wait()?;
        sent.wait()?;
        Ok(Moved::default())
    })?;
    cast.role("client", || {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        curtain.wait()?;
        for _ in 0..100 {
            socket.send_to(&[0x5a; 1009], "127.0.0.1:4300")?;
        }
        sent.give(1)?;
        Ok(Moved::default())
    })?;
    cast.raise(&curtain, 2)
}
