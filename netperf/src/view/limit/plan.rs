//! The plan of `limit --dry-run`: what would be limited, and how.

use netperf_core::sample::limit::Rates;
use netperf_core::units::ByteRate;
use serde::Serialize;

use crate::view::time::Rfc3339;

/// What a limit would do: nothing has been changed.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "limit_plan")]
pub struct LimitPlan {
    /// When this was found out.
    pub time: Rfc3339,
    /// Processes that would be covered.
    pub processes: Vec<PlannedProcess>,
    /// Whether those that they start later would be, too.
    pub children: bool,
    /// Their sockets now.
    pub sockets: Vec<PlannedSocket>,
    /// Inode number of their network namespace.
    pub netns: u32,
    /// Its interfaces.
    pub interfaces: Vec<PlannedInterface>,
    /// How packets would be held up.
    pub mechanism: String,
    /// Rate of what they send.
    pub up_bytes_per_s: Option<u64>,
    /// Rate of what they receive.
    pub down_bytes_per_s: Option<u64>,
    /// What to tell before it is too late.
    pub warnings: Vec<String>,
}

/// A process that would be limited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedProcess {
    /// Process id.
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
    /// Address and port on this host.
    pub local: String,
    /// Address and port of the other host.
    pub remote: String,
    /// A process that has it.
    pub pid: u32,
}

/// An interface of the namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedInterface {
    /// Name of the interface. Untrusted text.
    pub name: String,
    /// Why it would be left alone; `None` if it would be limited.
    pub left_out: Option<String>,
}

impl LimitPlan {
    /// The rates.
    pub fn rates(&self) -> Rates {
        Rates {
            up: self.up_bytes_per_s.map(ByteRate),
            down: self.down_bytes_per_s.map(ByteRate),
        }
    }
}
