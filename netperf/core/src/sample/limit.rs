//! The public state of a limit. Its holder writes it, every other run reads it.

use serde::{Deserialize, Serialize};

use super::ProcessId;
use crate::clock::{MonoNs, WallNs};
use crate::units::ByteRate;

/// A limit that is in force on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitRecord {
    /// Unique among the limits in force, 1 to 16.
    pub id: u8,
    /// The process that holds the limit: when it ends, the limit ends.
    pub holder: LimitedProcess,
    /// The processes under the limit now. Untrusted text.
    pub processes: Vec<LimitedProcess>,
    /// How the processes were selected, in words. Untrusted text.
    pub chosen_by: String,
    /// Upload limit.
    pub up_bytes_per_s: Option<u64>,
    /// Download limit.
    pub down_bytes_per_s: Option<u64>,
    /// How packets are delayed.
    pub mechanism: String,
    /// When the limit began.
    pub since: WallNs,
    /// When it ends by itself, if it does.
    pub until: Option<WallNs>,
}

/// A process that holds a limit or is under one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitedProcess {
    /// Process id in the holder's pid namespace.
    pub pid: u32,
    /// Start time, which tells processes with a reused pid apart.
    pub start: MonoNs,
    /// Its name. Untrusted text.
    pub name: String,
}

impl LimitedProcess {
    /// Whether this is the process with the exact `start`. The record has it from `/proc`, in steps of 10 ms.
    pub fn is(&self, process: ProcessId) -> bool {
        const STEP_NS: u64 = 10_000_000;
        self.pid == process.tgid && self.start.0 / STEP_NS == process.start.0 / STEP_NS
    }
}

/// Rates of payload that processes are held to; `None` is no limit in this direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Upload limit.
    pub up: Option<ByteRate>,
    /// Download limit.
    pub down: Option<ByteRate>,
}

/// One reading of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSample {
    /// When it was read, for rates.
    pub at: MonoNs,
    /// When it was read, on the wall clock.
    pub wall: WallNs,
    /// Processes under the limit.
    pub pids: Vec<u32>,
    /// Number of their sockets.
    pub sockets: usize,
    /// How packets are delayed.
    pub mechanism: String,
    /// The upload queue, where upload is limited.
    pub up: Option<Queue>,
    /// The download queue, where download is limited.
    pub down: Option<Queue>,
    /// Interfaces that are not limited, and why.
    pub uncovered: Vec<Uncovered>,
}

/// One direction of a limit; counters since the limit began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The rate that the limit sets.
    pub limit_bytes_per_s: u64,
    /// Payload that has passed.
    pub bytes: u64,
    /// Packets dropped because the queue was full.
    pub dropped: u64,
    /// Bytes in the queue now.
    pub queued_bytes: u64,
}

/// An interface that the limit does not cover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Uncovered {
    /// Name of the interface. Untrusted text.
    pub name: String,
    /// Why the limit does not cover it.
    pub why: String,
}

/// Current figures of a limit, as its holder publishes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitNow {
    /// Processes under the limit.
    pub pids: Vec<u32>,
    /// Number of their sockets.
    pub sockets: usize,
    /// Upload, where it is limited.
    pub up: Option<DirectionNow>,
    /// Download, where it is limited.
    pub down: Option<DirectionNow>,
}

/// One direction of a limit in its latest tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectionNow {
    /// The rate that the limit sets.
    pub limit_bytes_per_s: u64,
    /// Goodput of the latest tick; `None` before the first has ended.
    pub bytes_per_s: Option<u64>,
    /// Payload since the limit began.
    pub bytes: u64,
    /// Packets dropped since then because the queue was full.
    pub dropped: u64,
    /// Bytes in the queue.
    pub queued_bytes: u64,
}

impl DirectionNow {
    /// How long a byte that enters the queue now waits.
    pub fn queue_delay_ms(&self) -> u64 {
        let waiting = u128::from(self.queued_bytes) * 1_000;
        let ms = waiting / u128::from(self.limit_bytes_per_s.max(1));
        u64::try_from(ms).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_number_and_start() {
        let limited = LimitedProcess {
            pid: 7,
            start: MonoNs(50_000_000),
            name: String::new(),
        };
        let is = |tgid, start| {
            limited.is(ProcessId {
                tgid,
                start: MonoNs(start),
            })
        };
        assert!(is(7, 59_999_999));
        assert!(!is(7, 60_000_000) && !is(8, 50_000_000));
    }

    #[test]
    fn what_waits_takes_as_long_as_the_rate_needs_for_it() {
        let queue = |queued_bytes, limit_bytes_per_s| DirectionNow {
            limit_bytes_per_s,
            bytes_per_s: None,
            bytes: 0,
            dropped: 0,
            queued_bytes,
        };
        assert_eq!(queue(2_000_000, 20_000_000).queue_delay_ms(), 100);
        assert_eq!(queue(0, 20_000_000).queue_delay_ms(), 0);
        assert_eq!(queue(u64::MAX, 1).queue_delay_ms(), u64::MAX);
    }
}
