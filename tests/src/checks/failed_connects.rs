//! Connections that fail on purpose, each with a known error, and what `doctor` reports of them.

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

/// Connections to one address, and the error with which they fail.
struct Attempts {
    remote: &'static str,
    errno: Errno,
    blocking: u64,
    /// By non-blocking sockets, which read the error by `SO_ERROR`.
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

/// Port 9 is closed; there is no route to 192.0.2.0/24 and `2001:db8::/32`; two routes reject; no host has
/// 10.74.0.9; the server at port 4150 does not accept.
const ATTEMPTS: &[Attempts] = &[
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

/// Makes all connections fail, in the network namespace of this thread.
///
/// # Errors
/// When one fails with another error, or not at all.
pub fn run() -> Result<()> {
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
    // One ARP request; the default is three, one each second.
    let _requests = Sysctl::set("net/ipv4/neigh/v0/mcast_solicit", "1")?;
    let _interval = Sysctl::set("net/ipv4/neigh/v0/retrans_time_ms", "100")?;
    let server = Server::listen(4_150, 0)?;
    ensure!(server.address.to_string() == SILENT, "{}", server.address);
    // The only place in its queue.
    let _waits = TcpStream::connect(server.address)?;
    // One after the other: a trampoline's program does not run for a process that has preempted another one
    // inside it, and the tracer reports that as a loss.
    ATTEMPTS.iter().try_for_each(Attempts::run)
}

impl Attempts {
    fn run(&self) -> Result<()> {
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

/// Connects without blocking, and returns the error.
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
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    ensure!(
        poll(&mut fds, PollTimeout::from(60_000_u16))? == 1,
        "{remote}: no event"
    );
    let stream = TcpStream::from(socket);
    let error = stream.take_error()?.context("no error")?;
    ensure!(error.kind() != ErrorKind::WouldBlock, "{error}");
    Ok(Errno::from_raw(error.raw_os_error().context("no number")?))
}

/// A `doctor` that measures this network namespace until it is stopped.
///
/// # Errors
/// When it does not start.
pub fn doctor(hooks: &str) -> Result<Tracer> {
    let args = [
        "doctor", "--json", "--netns", "self", "--for", "600s", "--hooks", hooks,
    ];
    Tracer::start(&args)
}

/// Stops it, and compares what it reports of this process with [`run`].
///
/// # Errors
/// What is wrong.
pub fn check(doctor: Tracer) -> Result<Value> {
    // The last failure arrives within this time.
    thread::sleep(Duration::from_millis(200));
    let session = doctor.stop()?;
    let report = session.ticks.first().context("no verdict")?;
    let rows = report["failed_connects"]
        .as_array()
        .context("no failed connects")?;
    let mut reported = BTreeMap::new();
    for row in rows.iter().filter(|row| row["pid"] == std::process::id()) {
        let failed = (text(row, "remote")?, text(row, "errno")?);
        *reported.entry(failed).or_insert(0) += integer(row, "count")?;
    }
    let mut missing = 0;
    for one in ATTEMPTS {
        // The kernel's notation of an IPv4 address in an IPv6 socket.
        let remote = one.remote.replace("[::ffff:192.0.2.8]", "192.0.2.8");
        let failed = (remote, format!("{:?}", one.errno));
        let count = reported.remove(&failed).unwrap_or(0);
        let all = one.blocking + one.polled;
        // A process that polls may take the error before the tracer can read it.
        ensure!(
            (one.blocking..=all).contains(&count),
            "{failed:?}: {count} of {all}, {report:#}"
        );
        missing += all - count;
    }
    ensure!(
        reported.is_empty(),
        "{reported:?} did not happen: {report:#}"
    );
    ensure!(
        missing <= uncounted(report)?,
        "{missing} are missing: {report:#}"
    );
    Ok(report.clone())
}

/// How many failures it reports as uncounted.
fn uncounted(report: &Value) -> Result<u64> {
    let checks = report["checks"].as_array().context("no checks")?;
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
