//! The plan that `limit --dry-run` shows: what would be limited, and how.

use netperf_core::sample::limit::Rates;
use netperf_core::units::ByteRate;
use serde::Serialize;

use crate::view::time::Rfc3339;

/// What a limit would do. Nothing has been changed.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "limit_plan")]
pub struct LimitPlan {
    /// When the plan was made.
    pub time: Rfc3339,
    /// Processes that would be limited.
    pub processes: Vec<PlannedProcess>,
    /// Whether later child processes would be limited too.
    pub children: bool,
    /// Sockets that those processes have now.
    pub sockets: Vec<PlannedSocket>,
    /// Inode number of their network namespace.
    pub netns: u32,
    /// Interfaces of that namespace.
    pub interfaces: Vec<PlannedInterface>,
    /// How packets would be delayed.
    pub mechanism: String,
    /// Upload limit.
    pub up_bytes_per_s: Option<u64>,
    /// Download limit.
    pub down_bytes_per_s: Option<u64>,
    /// Warnings to show before the limit begins.
    pub warnings: Vec<String>,
}

/// A process that would be limited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedProcess {
    /// Pid in the tracer's pid namespace.
    pub pid: u32,
    /// Its name. Untrusted text.
    pub name: String,
}

/// A socket that would be limited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedSocket {
    /// Protocol: `tcp` or `udp`.
    pub proto: &'static str,
    /// Local address and port.
    pub local: String,
    /// Remote address and port.
    pub remote: String,
    /// A process that holds it.
    pub pid: u32,
}

/// An interface of the namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedInterface {
    /// Name of the interface. Untrusted text.
    pub name: String,
    /// Why it would not be limited; `None` if it would be.
    pub left_out: Option<String>,
}

impl LimitPlan {
    /// The planned rates.
    pub fn rates(&self) -> Rates {
        Rates {
            up: self.up_bytes_per_s.map(ByteRate),
            down: self.down_bytes_per_s.map(ByteRate),
        }
    }
}
