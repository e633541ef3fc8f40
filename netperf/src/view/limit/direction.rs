//! One direction of a limit, in JSON.

use netperf_core::sample::limit::DirectionNow;
use serde::Serialize;

/// One direction of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DirectionRow {
    /// What it may be at most.
    pub limit_bytes_per_s: u64,
    /// What it is: payload.
    pub bytes_per_s: Option<u64>,
    /// Payload since the limit began.
    pub bytes: u64,
    /// Packets that found no room in the queue since then.
    pub dropped: u64,
    /// Bytes that wait now.
    pub queued_bytes: u64,
    /// How long a byte waits that comes now.
    pub queue_delay_ms: u64,
}

impl From<DirectionNow> for DirectionRow {
    fn from(now: DirectionNow) -> Self {
        Self {
            limit_bytes_per_s: now.limit_bytes_per_s,
            bytes_per_s: now.bytes_per_s,
            bytes: now.bytes,
            dropped: now.dropped,
            queued_bytes: now.queued_bytes,
            queue_delay_ms: now.queue_delay_ms(),
        }
    }
}
