//! How long did it take, as one reading has it?

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Process;

/// What took time.
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

/// Times of one process with one remote host, since the sample before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyReading {
    /// Who.
    pub process: Arc<Process>,
    /// With whom.
    pub remote: IpAddr,
    /// What took time.
    pub kind: LatencyKind,
    /// How often it took from so many µs to less than so many, in ascending order.
    pub counts: Vec<TimeSpan>,
}

/// How often it took how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TimeSpan {
    /// At least so many µs.
    pub from_us: u32,
    /// Less than so many.
    pub to_us: u32,
    /// How often.
    pub count: u32,
}
