//! The connections of a process to the destination, and their round-trip times.

use serde::Serialize;

/// What a process's own connections to the destination say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProcessSide {
    /// Process id.
    pub pid: u32,
    /// Its name. Untrusted text.
    pub name: String,
    /// Its connections to that host.
    pub connections: u64,
    /// Payload that the host has acknowledged, and what was received from it.
    pub bytes: u64,
    /// Smoothed round-trip times of the connections: the shortest.
    pub srtt_min_us: Option<u32>,
    /// The one in the middle.
    pub srtt_median_us: Option<u32>,
    /// Longest smoothed round-trip time.
    pub srtt_max_us: Option<u32>,
}
