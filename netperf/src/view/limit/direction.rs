//! One direction of a limit, in JSON.

use netperf_core::sample::limit::DirectionNow;
use serde::Serialize;

/// One direction of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DirectionRow {
    /// The rate that the limit sets.
    pub limit_bytes_per_s: u64,
    /// Goodput of the latest tick.
    pub bytes_per_s: Option<u64>,
    /// Payload since the limit began.
    pub bytes: u64,
    /// Packets dropped since then because the queue was full.
    pub dropped: u64,
    /// Bytes in the queue now.
    pub queued_bytes: u64,
    /// How long a byte that enters the queue now waits.
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
