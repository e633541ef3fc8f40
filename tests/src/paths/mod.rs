//! Paths: the ways that bytes can take between a process and the network. One file for each topic; every
//! path is a small workload whose truth is the sum of the return values of its system calls.

use anyhow::{Context, Result, ensure};

use crate::load::result::ProcessBytes;
use crate::load::worker::own_row;
use crate::load::workload::{Gate, Moved, Workload};

mod abort;
mod crowd;
mod datagram;
mod early;
mod family;
mod fastopen;
mod lifetime;
mod mptcp;
mod namespace;
mod peers;
mod receive;
mod reconnect;
mod send;
mod sharing;
mod splice;
mod stream;
mod tls;
mod uncounted;
mod uring;
mod zerocopy;

/// All topics, in the order in which they run.
pub const TOPICS: &[Topic] = &[
    send::TOPIC,
    receive::TOPIC,
    splice::TOPIC,
    zerocopy::TOPIC,
    datagram::TOPIC,
    peers::TOPIC,
    family::TOPIC,
    uring::TOPIC,
    sharing::TOPIC,
    crowd::TOPIC,
    lifetime::TOPIC,
    early::TOPIC,
    abort::TOPIC,
    reconnect::TOPIC,
    namespace::TOPIC,
    fastopen::TOPIC,
    mptcp::TOPIC,
    tls::TOPIC,
    uncounted::TOPIC,
];

/// Paths that belong together.
#[derive(Debug)]
pub struct Topic {
    /// Name on the command line of the mover.
    pub name: &'static str,
    /// The paths, in the order in which they run.
    pub paths: &'static [Path],
}

/// One way that bytes can take.
#[derive(Debug)]
pub struct Path {
    /// Name on the command line of the mover, unique over all topics.
    pub name: &'static str,
    /// How the two ends of the path relate.
    pub balance: Balance,
    /// Whether the path sets up sockets and then waits for the tracer to start.
    pub gated: bool,
    body: fn(&mut Workload) -> Result<()>,
}

/// How the bytes sent on a path relate to the bytes received, over all its processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Whatever was sent was received.
    Even,
    /// They differ by design, for this reason.
    Uneven(&'static str),
    /// Nothing moves that counts, for this reason.
    Nothing(&'static str),
}

/// This machine lacks what a path needs.
#[derive(Debug, thiserror::Error)]
#[error("not on this machine: {0}")]
pub struct Absent(pub String);

impl Path {
    const fn even(name: &'static str, body: fn(&mut Workload) -> Result<()>) -> Self {
        Self {
            name,
            balance: Balance::Even,
            gated: false,
            body,
        }
    }

    const fn uneven(
        name: &'static str,
        why: &'static str,
        body: fn(&mut Workload) -> Result<()>,
    ) -> Self {
        Self {
            name,
            balance: Balance::Uneven(why),
            gated: false,
            body,
        }
    }

    const fn gated(self) -> Self {
        Self {
            gated: true,
            ..self
        }
    }

    const fn nothing(
        name: &'static str,
        why: &'static str,
        body: fn(&mut Workload) -> Result<()>,
    ) -> Self {
        Self {
            name,
            balance: Balance::Nothing(why),
            gated: false,
            body,
        }
    }

    /// Runs the path, and returns what each of its processes moved, the calling one included.
    ///
    /// # Errors
    /// [`Absent`] when the machine lacks what the path needs; otherwise when the path failed or
    /// its ends contradict each other.
    pub fn run(&self, gate: Gate) -> Result<Vec<ProcessBytes>> {
        let mut workload = Workload::new(gate);
        (self.body)(&mut workload)?;
        let mut rows = workload.finish()?;
        rows.push(own_row("mover", Moved::default()));
        self.check(&rows)
            .with_context(|| format!("`{}` contradicts itself", self.name))?;
        Ok(rows)
    }

    fn check(&self, rows: &[ProcessBytes]) -> Result<()> {
        let sent: u64 = rows.iter().map(|row| row.tx_bytes).sum();
        let received: u64 = rows.iter().map(|row| row.rx_bytes).sum();
        match self.balance {
            Balance::Nothing(_) => ensure!(sent + received == 0, "{sent} + {received} moved"),
            Balance::Even => ensure!(sent == received && sent > 0, "{sent} out, {received} in"),
            Balance::Uneven(_) => ensure!(sent + received > 0, "nothing moved"),
        }
        Ok(())
    }
}

/// Every path of every topic.
pub fn all() -> impl Iterator<Item = &'static Path> {
    TOPICS.iter().flat_map(|topic| topic.paths)
}
