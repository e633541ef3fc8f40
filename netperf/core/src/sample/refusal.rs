//! What was refused for want of a port or an address, as one reading has it?

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Loss, Process, Proto};

/// The call that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RefusedCall {
    /// To the other end.
    Connect,
    /// To an address of this host.
    Bind,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RefusedFor {
    /// There is no such address here, or no port is left.
    #[serde(rename = "EADDRNOTAVAIL")]
    NotAvailable,
    /// Another socket has it.
    #[serde(rename = "EADDRINUSE")]
    InUse,
}

/// What was refused to one process since the look before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalReading {
    /// Who.
    pub process: Arc<Process>,
    /// What it called.
    pub call: RefusedCall,
    /// Why it failed.
    pub error: RefusedFor,
    /// Transport.
    pub proto: Proto,
    /// The remote end of `connect`, the local one of `bind`.
    pub address: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// How often.
    pub count: u64,
    /// How often since the start.
    pub total: u64,
}

/// Connections of one process that failed alike since the look before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedConnect {
    /// Who.
    pub process: Arc<Process>,
    /// Number of the error, as `connect` or `SO_ERROR` tells it.
    pub errno: u8,
    /// The remote end.
    pub remote: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// How often.
    pub count: u64,
}

/// What was refused to all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusals {
    /// Since the look before.
    pub readings: Vec<RefusalReading>,
    /// Every TCP connection that failed, whatever for, since the look before; `None` where nobody counts
    /// them.
    #[serde(default)]
    pub failed: Option<Vec<FailedConnect>>,
    /// What could not be counted, since the start.
    pub loss: Loss,
}

impl RefusedCall {
    /// As in its manual.
    pub fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Bind => "bind",
        }
    }
}

impl RefusedFor {
    /// As in the manuals.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotAvailable => "EADDRNOTAVAIL",
            Self::InUse => "EADDRINUSE",
        }
    }
}
