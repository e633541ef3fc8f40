//! Connections over a link with delay to a server that is slow to accept, and what `latency` reports of them.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::process;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;

use crate::net::relay::DelayedLink;
use crate::tracer::{Session, integer};

const CONNECTIONS: u64 = 5;
const QUESTIONS: u64 = 3;
const SERVER: SocketAddr = SocketAddr::new(DelayedLink::FAR, 4200);
const PATIENCE: Duration = Duration::from_secs(10);

/// How far from the truth half of the times may be.
const TOLERANCE: f64 = 0.1;

/// The delays of a run.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Of a packet, in one direction.
    pub delay: Duration,
    /// From when a connection could be accepted until it is.
    pub accept: Duration,
}

impl Timing {
    /// Connects both ends, which are threads of this process.
    ///
    /// # Errors
    /// When the kernel refuses the link between them.
    pub fn run(self) -> Result<()> {
        let link = DelayedLink::new(self.delay)?;
        let listener = link.far(|| Ok(TcpListener::bind(SERVER)?))?;
        thread::scope(|scope| {
            let server = scope.spawn(|| serve(&listener, self.accept));
            link.near(connect)?;
            server.join().ok().context("the server panicked")?
        })
    }

    /// Compares a session of `latency` with these delays, for this process.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(self, session: &Session) -> Result<()> {
        let round_trip = self.delay * 2;
        let reported = |kind, remote| Times::reported(session, kind, remote);
        let connect = reported("connect", DelayedLink::FAR)?;
        connect.ensure(CONNECTIONS, round_trip).context("connect")?;
        let rtt = reported("rtt", DelayedLink::FAR)?;
        rtt.ensure(CONNECTIONS * QUESTIONS, round_trip)
            .context("rtt")?;
        let accept = reported("accept", DelayedLink::NEAR)?;
        accept.ensure(CONNECTIONS, self.accept).context("accept")?;
        ensure!(
            reported("connect", DelayedLink::NEAR)?.count == 0,
            "the server connected"
        );
        ensure!(
            reported("accept", DelayedLink::FAR)?.count == 0,
            "the client accepted"
        );
        Ok(())
    }
}

/// Accepts each connection `after` it could, and answers.
fn serve(listener: &TcpListener, after: Duration) -> Result<()> {
    for _ in 0..CONNECTIONS {
        let mut ready = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        let patience = PollTimeout::try_from(PATIENCE)?;
        ensure!(poll(&mut ready, patience)? == 1, "no connection");
        thread::sleep(after);
        let (mut socket, _) = listener.accept()?;
        let mut question = [0; 16];
        while socket.read(&mut question)? > 0 {
            socket.write_all(&question)?;
        }
    }
    Ok(())
}

fn connect() -> Result<()> {
    for _ in 0..CONNECTIONS {
        let mut socket = TcpStream::connect_timeout(&SERVER, PATIENCE)?;
        socket.set_nodelay(true)?;
        let mut message = [1; 16];
        for _ in 0..QUESTIONS {
            socket.write_all(&message)?;
            socket.read_exact(&mut message)?;
        }
    }
    Ok(())
}

/// Count of latencies, and their median in µs.
#[derive(Clone, Copy, Debug)]
struct Times {
    count: u64,
    median_us: u64,
}

impl Times {
    /// Of one kind with one host, over all ticks.
    fn reported(session: &Session, kind: &str, remote: IpAddr) -> Result<Self> {
        let ticks = session.ticks.iter();
        let rows = ticks
            .filter_map(|tick| tick["latencies"].as_array())
            .flatten();
        let rows = rows.filter(|row| {
            row["kind"] == kind
                && row["remote"] == remote.to_string()
                && row["pid"] == process::id()
        });
        let mut spans = Vec::<Value>::new();
        for row in rows {
            let histogram = row["histogram"].as_array().context("no histogram")?;
            ensure!(sum(histogram)? == integer(row, "count")?, "{row}");
            spans.extend(histogram.iter().cloned());
        }
        spans.sort_by_key(|span| span["from_us"].as_u64());
        let count = sum(&spans)?;
        let mut passed = 0;
        for span in &spans {
            passed += integer(span, "count")?;
            if passed * 2 >= count {
                let median_us = integer(span, "from_us")?.midpoint(integer(span, "to_us")?);
                return Ok(Self { count, median_us });
            }
        }
        Ok(Self {
            count: 0,
            median_us: 0,
        })
    }

    /// Fails unless there are at least `least`, and their median is about `expected`.
    fn ensure(self, least: u64, expected: Duration) -> Result<()> {
        let Self { count, median_us } = self;
        ensure!(count >= least, "only {count} of {least}");
        let expected_us = u64::try_from(expected.as_micros())?;
        let off = median_us.abs_diff(expected_us);
        #[expect(clippy::cast_precision_loss, reason = "times of seconds at the most")]
        let share = off as f64 / expected_us as f64;
        ensure!(
            share <= TOLERANCE,
            "{median_us} µs instead of {expected_us}"
        );
        Ok(())
    }
}

fn sum(spans: &[Value]) -> Result<u64> {
    spans.iter().map(|span| integer(span, "count")).sum()
}
