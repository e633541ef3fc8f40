//! Histograms of latencies, as one reading delivers them.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Process;

/// What was timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LatencyKind {
    /// From the first SYN to the end of the handshake, of a connection that this host opened.
    Connect,
    /// The smoothed round-trip time (srtt), at each segment that arrived.
    Rtt,
    /// From the end of the handshake to `accept`, of a connection that another host opened.
    Accept,
}

/// Latencies of one process with one remote host, since the sample before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyReading {
    /// The process.
    pub process: Arc<Process>,
    /// The remote host.
    pub remote: IpAddr,
    /// What was timed.
    pub kind: LatencyKind,
    /// Histogram, in ascending order.
    pub counts: Vec<TimeSpan>,
}

/// One bucket of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TimeSpan {
    /// Lower end in µs, included.
    pub from_us: u32,
    /// Upper end in µs, not included.
    pub to_us: u32,
    /// Number of measured times in this bucket.
    pub count: u32,
}
