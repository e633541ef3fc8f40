//! The kernel's counters of loss in this network namespace, from `/proc/net/snmp`.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::PATIENCE_SECS;
use crate::sys::deadline::Deadline;

/// A segment is repeated for the first and the second time within this span.
const QUIET: Duration = Duration::from_millis(1_500);

/// Counters of this network namespace.
#[derive(Clone, Copy, Debug)]
pub struct Counters {
    /// Segments that TCP has retransmitted.
    pub segments: u64,
    /// Resets that TCP has sent.
    pub resets_sent: u64,
    pub(super) unread_datagrams: u64,
}

impl Counters {
    /// Their values now.
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

    /// Their values once nothing has been retransmitted for a while.
    ///
    /// # Errors
    /// When retransmissions go on, or this kernel has no such counters.
    pub fn settled() -> Result<Self> {
        let deadline = Deadline::seconds(PATIENCE_SECS);
        let mut before = Self::read()?;
        loop {
            thread::sleep(QUIET);
            let now = Self::read()?;
            if now.segments == before.segments {
                return Ok(now);
            }
            ensure!(!deadline.passed(), "retransmissions do not stop");
            before = now;
        }
    }
}

/// The names are in one line, the values in the next one.
fn counter(text: &str, protocol: &str, name: &str) -> Result<u64> {
    let mut lines = text.lines().filter(|line| line.starts_with(protocol));
    let (names, values) = lines.next().zip(lines.next()).context("no such protocol")?;
    let mut both = names.split(' ').zip(values.split(' '));
    let found = both.find(|(one, _)| *one == name).context("no counter")?;
    Ok(found.1.parse()?)
}

/// Waits until the kernel has retransmitted `more` segments.
pub(super) fn await_retransmissions(more: u64) -> Result<()> {
    let before = Counters::read()?.segments;
    let deadline = Deadline::seconds(PATIENCE_SECS);
    while Counters::read()?.segments < before + more {
        ensure!(!deadline.passed(), "the kernel retransmitted nothing");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
