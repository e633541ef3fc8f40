//! Streams at full speed, and how evenly they arrive.
//!
//! `mover stream sink` prints the bytes received in each tenth of a second, or in each period of so many
//! milliseconds, until it is killed; `mover stream source` sends for some seconds. The protocol is `tcp`, `mptcp`,
//! `udp`, or `udp-pieces` for datagrams that do not fit in a packet.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::socket::{setsockopt, sockopt};
use serde::{Deserialize, Serialize};

use crate::load::mover::Mover;
use crate::net::mptcp;
use crate::sys::calls;
use crate::sys::deadline::Deadline;
use crate::sys::stdout::{READY, print_line};

/// Period over which a sink counts.
pub const BIN: Duration = Duration::from_millis(100);

/// Payload of a datagram, and of one that is fragmented.
const DATAGRAM: usize = 1_400;
const FRAGMENTED: usize = 8_000;

/// Receive buffer of a sink of datagrams, in bytes: a processor that is taken away for milliseconds must not
/// look like loss in the network.
const RECEIVE_BUFFER: usize = 8 << 20;

/// Longest time in one send, so that the deadline is checked often enough.
const SEND_TIMEOUT: Duration = Duration::from_millis(100);

/// A sender of datagrams that is early by less does not sleep.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

/// What a source prints at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Segments that TCP has retransmitted.
    pub retransmitted: u64,
    /// Sends that failed for another reason than a full buffer.
    pub failed: u64,
}

/// Runs `sink`, `source` or `family`.
///
/// # Errors
/// When a socket fails, or the arguments are wrong.
pub fn run(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["sink", protocol, address] => sink(protocol, address.parse()?, BIN),
        ["sink", protocol, address, ms] => sink(
            protocol,
            address.parse()?,
            Duration::from_millis(ms.parse()?),
        ),
        ["source", protocol, address, count, seconds, ref pace @ ..] => {
            let pace = pace.first().map(|pace| pace.parse()).transpose()?;
            let seconds = seconds.parse()?;
            let sent = source(protocol, address.parse()?, count.parse()?, (seconds, pace))?;
            print_line(&serde_json::to_string(&sent)?)
        }
        ["family", ..] => family(&words[1..]),
        _ => bail!("usage: mover stream sink|source|family ..."),
    }
}

/// A process that waits for a line, and then starts a child that is the source.
fn family(words: &[&str]) -> Result<()> {
    print_line(READY)?;
    std::io::stdin().read_line(&mut String::new())?;
    let child = Command::new(std::env::current_exe()?)
        .args(["stream", "source"])
        .args(words)
        .status()?;
    ensure!(child.success(), "the child: {child}");
    Ok(())
}

fn sink(protocol: &str, address: SocketAddr, length: Duration) -> Result<()> {
    let bytes = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&bytes);
    match protocol {
        "tcp" | "mptcp" => {
            let listener = if protocol == "tcp" {
                TcpListener::bind(address)?
            } else {
                mptcp::listener(address)?
            };
            thread::spawn(move || -> Result<()> {
                loop {
                    let (stream, _) = listener.accept()?;
                    let counter = Arc::clone(&counter);
                    thread::spawn(move || discard(|buffer| (&stream).read(buffer), &counter));
                }
            });
        }
        "udp" | "udp-pieces" => {
            let socket = UdpSocket::bind(address)?;
            setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER)?;
            thread::spawn(move || discard(|buffer| socket.recv(buffer), &counter));
        }
        other => bail!("unknown protocol: {other}"),
    }
    print_line(READY)?;
    let mut bin = Deadline::after(length);
    loop {
        thread::sleep(bin.left());
        bin = bin.later(length);
        print_line(&bytes.swap(0, Ordering::Relaxed).to_string())?;
    }
}

fn discard(mut receive: impl FnMut(&mut [u8]) -> std::io::Result<usize>, counter: &AtomicU64) {
    let mut buffer = vec![0; 1 << 18];
    while let Ok(n @ 1..) = receive(&mut buffer) {
        counter.fetch_add(n as u64, Ordering::Relaxed);
    }
}

/// Sends for `seconds`, at full speed or `pace` bytes per second on each connection, which for TCP the kernel
/// enforces (`SO_MAX_PACING_RATE`).
fn source(
    protocol: &str,
    to: SocketAddr,
    count: usize,
    (seconds, pace): (u64, Option<u64>),
) -> Result<Sent> {
    let deadline = Deadline::seconds(seconds);
    let all = Mutex::new(Sent::default());
    thread::scope(|scope| -> Result<()> {
        let senders: Vec<_> = (0..count)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    let sent = match protocol {
                        "tcp" => send_stream(TcpStream::connect(to)?, deadline, pace)?,
                        "mptcp" => send_stream(mptcp::connected(to)?, deadline, pace)?,
                        "udp" => send_datagrams((to, DATAGRAM), deadline, pace)?,
                        "udp-pieces" => send_datagrams((to, FRAGMENTED), deadline, pace)?,
                        other => bail!("unknown protocol: {other}"),
                    };
                    let mut all = all.lock().ok().context("a sender panicked")?;
                    all.retransmitted += sent.retransmitted;
                    all.failed += sent.failed;
                    Ok(())
                })
            })
            .collect();
        for sender in senders {
            sender.join().ok().context("a sender panicked")??;
        }
        Ok(())
    })?;
    Ok(all.into_inner()?)
}

fn send_stream(mut stream: TcpStream, deadline: Deadline, pace: Option<u64>) -> Result<Sent> {
    stream.set_write_timeout(Some(SEND_TIMEOUT))?;
    if let Some(pace) = pace {
        let option = libc::SO_MAX_PACING_RATE;
        calls::set_option(&stream, libc::SOL_SOCKET, option, pace.try_into()?)?;
    }
    let (part, mut failed) = (vec![0x5a; 1 << 16], 0);
    while !deadline.passed() {
        match stream.write(&part) {
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => failed += 1,
            _ => {}
        }
    }
    Ok(Sent {
        retransmitted: calls::tcp_info(&stream)?.tcpi_total_retrans.into(),
        failed,
    })
}

fn send_datagrams(
    (to, bytes): (SocketAddr, usize),
    deadline: Deadline,
    pace: Option<u64>,
) -> Result<Sent> {
    let any: SocketAddr = if to.is_ipv4() {
        ([0; 4], 0).into()
    } else {
        ([0_u16; 8], 0).into()
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(to)?;
    socket.set_write_timeout(Some(SEND_TIMEOUT))?;
    let (part, mut tried, mut sent) = (vec![0x5a; bytes], 0, Sent::default());
    while !deadline.passed() {
        if let Some(pace) = pace {
            let due = Duration::from_micros(tried * 1_000_000 / pace);
            let early = due.saturating_sub(deadline.elapsed());
            // Many short sleeps would take too long together.
            if early > SHORTEST_SLEEP {
                thread::sleep(early);
            }
        }
        tried += part.len() as u64;
        match socket.send(&part) {
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => sent.failed += 1,
            _ => {}
        }
    }
    Ok(sent)
}

/// A sink or source that a test has started.
#[derive(Debug)]
pub struct Stream(Mover);

impl Stream {
    /// Starts `mover stream WORDS` through `launcher`, which ends with the path of the mover. Waits until it has become
    /// the mover: `ip netns exec` is in another network namespace before.
    ///
    /// # Errors
    /// When it can't run.
    pub fn start(launcher: &mut Command, words: &str) -> Result<Self> {
        let path = launcher.get_args().last();
        let path = fs::canonicalize(path.unwrap_or(launcher.get_program()))?;
        let words = words.split(' ');
        let mover = Mover::start_as(launcher.arg("stream").args(words))?;
        let program = format!("/proc/{}/exe", mover.pid());
        let deadline = Deadline::seconds(20);
        while fs::read_link(&program).context("the mover ended")? != path {
            ensure!(!deadline.passed(), "the mover does not start");
            thread::sleep(Duration::from_millis(1));
        }
        Ok(Self(mover))
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// When it ends instead.
    pub fn ready(mut self) -> Result<Self> {
        let line = self.0.next_line()?.context("the stream ended")?;
        ensure!(line.trim() == READY, "not ready: {line}");
        Ok(self)
    }

    /// Process id of the stream.
    pub fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Lets a family start its child.
    ///
    /// # Errors
    /// When it is gone.
    pub fn resume(&mut self) -> Result<()> {
        self.0.resume()
    }

    /// Bytes per second that arrive from now on: the mean over `bins` periods, and each of them.
    ///
    /// # Errors
    /// When the sink is gone.
    pub fn rates(&mut self, bins: usize) -> Result<(f64, Vec<f64>)> {
        // Lines that were printed before are read at once.
        loop {
            let patience = Deadline::after(BIN / 5);
            self.bin()?;
            if patience.passed() {
                break;
            }
        }
        let rates: Vec<f64> = (0..bins).map(|_| self.bin()).collect::<Result<_>>()?;
        let sum: f64 = rates.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "some bins")]
        let mean = sum / rates.len() as f64;
        Ok((mean, rates))
    }

    /// Bytes per second in the next period.
    fn bin(&mut self) -> Result<f64> {
        let line = self.0.next_line()?.context("the sink ended")?;
        let bytes: f64 = line.trim().parse()?;
        Ok(bytes / BIN.as_secs_f64())
    }

    /// Waits for the end of a source.
    ///
    /// # Errors
    /// When it fails.
    pub fn finish(mut self) -> Result<Sent> {
        let line = self.0.next_line()?.context("the source failed")?;
        Ok(serde_json::from_str(&line)?)
    }
}
