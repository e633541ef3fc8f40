//! What is known of a limit that is held? Written by its holder, read by every other run.

use serde::{Deserialize, Serialize};

use super::ProcessId;
use crate::clock::{MonoNs, WallNs};
use crate::units::ByteRate;

/// A limit that is held on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitRecord {
    /// 1 to 16; no other one that is held has it.
    pub id: u8,
    /// The process whose end is the end of the limit.
    pub holder: LimitedProcess,
    /// The processes that it covers now. Untrusted text.
    pub processes: Vec<LimitedProcess>,
    /// What they were chosen by, in words. Untrusted text.
    pub chosen_by: String,
    /// Rate of what they send.
    pub up_bytes_per_s: Option<u64>,
    /// Rate of what they receive.
    pub down_bytes_per_s: Option<u64>,
    /// How packets are held up.
    pub mechanism: String,
    /// When it began.
    pub since: WallNs,
    /// When it ends by itself.
    pub until: Option<WallNs>,
}

/// A process that has to do with a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitedProcess {
    /// Its number in the holder's pid namespace.
    pub pid: u32,
    /// When it started: a reused number is another process.
    pub start: MonoNs,
    /// Its name. Untrusted text.
    pub name: String,
}

impl LimitedProcess {
    /// Whether it is this very process, whose `start` is exact; that of the record is as `/proc` has
    /// it, in steps of 10 ms.
    pub fn is(&self, process: ProcessId) -> bool {
        const STEP_NS: u64 = 10_000_000;
        self.pid == process.tgid && self.start.0 / STEP_NS == process.start.0 / STEP_NS
    }
}

/// Rates of payload that processes are held to; `None` is no limit in this direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Of what they send.
    pub up: Option<ByteRate>,
    /// Of what they receive.
    pub down: Option<ByteRate>,
}

/// One reading of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSample {
    /// When, for rates.
    pub at: MonoNs,
    /// When, for people.
    pub wall: WallNs,
    /// Processes that are covered.
    pub pids: Vec<u32>,
    /// Their sockets.
    pub sockets: usize,
    /// How packets are held up.
    pub mechanism: String,
    /// What they send, where that is limited.
    pub up: Option<Queue>,
    /// What they receive, where that is limited.
    pub down: Option<Queue>,
    /// Interfaces that are not limited, and why.
    pub uncovered: Vec<Uncovered>,
}

/// One direction of a limit; counts are since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The rate that is asked for.
    pub limit_bytes_per_s: u64,
    /// Payload that has passed.
    pub bytes: u64,
    /// Packets that found no room.
    pub dropped: u64,
    /// Bytes that wait now.
    pub queued_bytes: u64,
}

/// An interface that the limit does not cover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Uncovered {
    /// Its name.
    pub name: String,
    /// Why.
    pub why: String,
}

/// What a limit does now, as its holder tells others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitNow {
    /// Processes that are covered.
    pub pids: Vec<u32>,
    /// Their sockets.
    pub sockets: usize,
    /// What they send, where that is limited.
    pub up: Option<DirectionNow>,
    /// What they receive, where that is limited.
    pub down: Option<DirectionNow>,
}

/// One direction of a limit in its latest tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectionNow {
    /// The rate that is asked for.
    pub limit_bytes_per_s: u64,
    /// Payload a second of the latest tick; `None` before the first one has ended.
    pub bytes_per_s: Option<u64>,
    /// Payload since the limit began.
    pub bytes: u64,
    /// Packets that found no room since then.
    pub dropped: u64,
    /// Bytes that wait in the queue.
    pub queued_bytes: u64,
}

impl DirectionNow {
    /// How long a byte that comes now waits.
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
