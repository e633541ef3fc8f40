//! With which error do connections fail? Connections that fail on purpose, and what `doctor` told of them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, socket};
use serde_json::Value;

use crate::load::states::Server;
use crate::net::netns::ip;
use crate::sys::sysctl::Sysctl;
use crate::tracer::{Tracer, integer, text};

/// What connects, to where, how often, and with which error it fails.
struct Attempts {
    remote: &'static str,
    errno: Errno,
    blocking: u64,
    /// By sockets that wait for nobody: they are told by `SO_ERROR`.
    polled: u64,
}

const fn attempts(remote: &'static str, errno: Errno, (blocking, polled): (u64, u64)) -> Attempts {
    Attempts {
        remote,
        errno,
        blocking,
        polled,
    }
}

/// Nobody listens at port 9; no route leads to 192.0.2.0/24 and `2001:db8::/32`; two routes forbid; nobody
/// has 10.74.0.9; the server at port 4150 does not accept.
const PLAYED: &[Attempts] = &[
    attempts("127.0.0.1:9", Errno::ECONNREFUSED, (5, 3)),
    attempts("[::1]:9", Errno::ECONNREFUSED, (2, 1)),
    attempts("192.0.2.7:80", Errno::ENETUNREACH, (4, 2)),
    attempts("[2001:db8::7]:80", Errno::ENETUNREACH, (3, 0)),
    attempts("[::ffff:192.0.2.8]:80", Errno::ENETUNREACH, (2, 0)),
    attempts("198.51.100.7:80", Errno::EHOSTUNREACH, (2, 0)),
    attempts("203.0.113.7:80", Errno::EACCES, (2, 0)),
    attempts("10.74.0.9:80", Errno::EHOSTUNREACH, (1, 1)),
    attempts(SILENT, Errno::ETIMEDOUT, (1, 1)),
];

const SILENT: &str = "127.0.0.1:4150";

/// Lets connections fail in every way, in the network namespace of this thread.
///
/// # Errors
/// When one fails otherwise, or does not.
pub fn play() -> Result<()> {
    // The kernel repeats the first packet once, and gives up two or three seconds after it began.
    let _once = Sysctl::set("net/ipv4/tcp_syn_retries", "1")?;
    for order in [
        "link add v0 type veth peer name v1",
        "addr add 10.74.0.1/24 dev v0",
        "link set v0 up",
        "link set v1 up",
        "route add unreachable 198.51.100.0/24",
        "route add prohibit 203.0.113.0/24",
    ] {
        ip(order)?;
    }
    // Asked once for who has that address; else three times in three seconds.
    let _asked = Sysctl::set("net/ipv4/neigh/v0/mcast_solicit", "1")?;
    let _waited = Sysctl::set("net/ipv4/neigh/v0/retrans_time_ms", "100")?;
    let server = Server::listen(4_150, 0)?;
    ensure!(server.address.to_string() == SILENT, "{}", server.address);
    // The only place in its queue.
    let _waits = TcpStream::connect(server.address)?;
    // One after the other: a trampoline's program does not run for a process that has preempted another in
    // it, and that is told as lost.
    PLAYED.iter().try_for_each(Attempts::play)
}

impl Attempts {
    fn play(&self) -> Result<()> {
        let remote: SocketAddr = self.remote.parse()?;
        for _ in 0..self.blocking {
            let error = TcpStream::connect(remote).err().context("it connects")?;
            let errno = error.raw_os_error().map(Errno::from_raw);
            ensure!(errno == Some(self.errno), "{remote}: {error}");
        }
        for _ in 0..self.polled {
            let errno = polled(remote)?;
            ensure!(errno == self.errno, "{remote}, polled: {errno}");
        }
        Ok(())
    }
}

/// Begins to connect, and asks for the error when there is one.
fn polled(remote: SocketAddr) -> Result<Errno> {
    let family = if remote.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let socket = socket(family, SockType::Stream, SockFlag::SOCK_NONBLOCK, None)?;
    match connect(socket.as_raw_fd(), &SockaddrStorage::from(remote)) {
        Err(Errno::EINPROGRESS) => {}
        Err(errno) => return Ok(errno),
        Ok(()) => bail!("{remote}: it connects"),
    }
    let mut waited = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    ensure!(
        poll(&mut waited, PollTimeout::from(60_000_u16))? == 1,
        "{remote}: nothing comes"
    );
    let stream = TcpStream::from(socket);
    let error = stream.take_error()?.context("no error")?;
    ensure!(error.kind() != ErrorKind::WouldBlock, "{error}");
    Ok(Errno::from_raw(error.raw_os_error().context("no number")?))
}

/// A `doctor` that measures this namespace until it is ended.
///
/// # Errors
/// When it does not start.
pub fn doctor(hooks: &str) -> Result<Tracer> {
    let args = [
        "doctor", "--json", "--netns", "self", "--for", "600s", "--hooks", hooks,
    ];
    Tracer::start(&args)
}

/// Ends it, and holds what it told of this process against what was played.
///
/// # Errors
/// What is wrong.
pub fn check(doctor: Tracer) -> Result<Value> {
    // What was refused last is told within this.
    thread::sleep(Duration::from_millis(200));
    let session = doctor.stop()?;
    let triage = session.ticks.first().context("no verdict")?;
    let rows = triage["failed_connects"]
        .as_array()
        .context("no failed connects")?;
    let mut told = BTreeMap::new();
    for row in rows.iter().filter(|row| row["pid"] == std::process::id()) {
        let failed = (text(row, "remote")?, text(row, "errno")?);
        *told.entry(failed).or_insert(0) += integer(row, "count")?;
    }
    let mut missing = 0;
    for one in PLAYED {
        // The kernel's own notation of an IPv4 address in an IPv6 socket.
        let remote = one.remote.replace("[::ffff:192.0.2.8]", "192.0.2.8");
        let failed = (remote, format!("{:?}", one.errno));
        let count = told.remove(&failed).unwrap_or(0);
        let all = one.blocking + one.polled;
        // Who polls may take the error before anybody else can read it.
        ensure!(
            (one.blocking..=all).contains(&count),
            "{failed:?}: {count} of {all}, {triage:#}"
        );
        missing += all - count;
    }
    ensure!(told.is_empty(), "{told:?} did not happen: {triage:#}");
    ensure!(
        missing <= uncounted(triage)?,
        "{missing} are missing: {triage:#}"
    );
    Ok(triage.clone())
}

/// How many failures it says that it could not count.
fn uncounted(triage: &Value) -> Result<u64> {
    let checks = triage["checks"].as_array().context("no checks")?;
    let check = checks.iter().find(|check| check["topic"] == "failing");
    let evidence = text(check.context("no such check")?, "evidence")?;
    match evidence.split_once("; up to ") {
        Some((_, rest)) => {
            let number = rest.split(' ').next().context("no number")?;
            Ok(number.parse()?)
        }
        None => Ok(0),
    }
}
