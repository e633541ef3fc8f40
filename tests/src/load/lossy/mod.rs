//! Losses on purpose in the caller's network namespace, and what the kernel itself counts of them.
//!
//! Filters on sockets drop some or all of what arrives.

mod counters;
mod kinds;

use std::fs;
use std::io::{PipeReader, Read};
use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

pub use self::counters::Counters;
use crate::load::workload::{Gate, Workload};
use crate::sys::stdout::print_line;

/// Kinds of loss.
pub const KINDS: [&str; 7] = [
    "data",
    "handshake",
    "orphan",
    "older",
    "ownerless",
    "reset",
    "unread",
];

/// How a line begins that the kernel side logs of a connection whose owner it does not know.
pub const NO_OWNER: &str = "debug: no owner: port ";

/// Longest time in which the kernel must have retransmitted something.
const PATIENCE_SECS: u64 = 90;

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
    /// Segments that the client's connection retransmitted (`TCP_INFO`), if it was still open.
    pub client_segments: Option<u64>,
    /// Pid of the client.
    pub client: u32,
    /// Pid of the server.
    pub server: u32,
}

/// Runs one of [`KINDS`] once the tracer runs, and prints the [`Truth`].
///
/// # Errors
/// When the kernel loses nothing.
pub fn run(kind: &str) -> Result<()> {
    let lose = match kind {
        "data" => kinds::data,
        "handshake" => kinds::handshake,
        "orphan" => kinds::orphan,
        "older" => kinds::older,
        "ownerless" => kinds::ownerless,
        "reset" => kinds::reset,
        "unread" => kinds::unread,
        _ => bail!("no loss is called `{kind}`, only {KINDS:?}"),
    };
    let (reader, writer) = std::io::pipe()?;
    let mut workload = Workload::new(Gate::Stdio);
    workload.extend_timeout(PATIENCE_SECS);
    let before = Counters::read()?;
    lose(&mut workload, &writer)?;
    let pid = |name| workload.pids().find(|(other, _)| *other == name);
    let (client, server) = (
        pid("client").context("no client")?.1,
        pid("server").context("no server")?.1,
    );
    workload.finish()?;
    drop(writer);
    let after = Counters::read()?;
    let report = ClientReport::read(reader)?;
    let truth = Truth {
        netns: fs::metadata("/proc/self/ns/net")?.ino(),
        segments: after.segments - report.segments_before.unwrap_or(before.segments),
        resets_sent: after.resets_sent - before.resets_sent,
        unread_datagrams: after.unread_datagrams - before.unread_datagrams,
        client_segments: report.client_segments,
        client,
        server,
    };
    print_line(&serde_json::to_string(&truth)?)
}

/// What the client writes to its pipe before it ends.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct ClientReport {
    /// Segments that its connection retransmitted.
    client_segments: Option<u64>,
    /// `RetransSegs` from which losses count, where that is later than the start.
    segments_before: Option<u64>,
}

impl ClientReport {
    fn read(mut pipe: PipeReader) -> Result<Self> {
        let mut text = String::new();
        pipe.read_to_string(&mut text)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        Ok(serde_json::from_str(&text)?)
    }
}
