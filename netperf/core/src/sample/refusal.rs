//! Calls that failed because no port or address was free, and other connections that failed.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Loss, Process, Proto};

/// The system call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RefusedCall {
    /// `connect`, to a remote address.
    Connect,
    /// `bind`, to a local address.
    Bind,
}

/// Why the call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RefusedFor {
    /// This host has no such address, or no port is left (`EADDRNOTAVAIL`).
    #[serde(rename = "EADDRNOTAVAIL")]
    NotAvailable,
    /// Another socket uses the address (`EADDRINUSE`).
    #[serde(rename = "EADDRINUSE")]
    InUse,
}

/// Failed calls of one process since the reading before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalReading {
    /// The process.
    pub process: Arc<Process>,
    /// The call.
    pub call: RefusedCall,
    /// Why it failed.
    pub error: RefusedFor,
    /// Transport of the socket.
    pub proto: Proto,
    /// Remote address of `connect`, local address of `bind`.
    pub address: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Failed calls since the reading before.
    pub count: u64,
    /// Failed calls since the start.
    pub total: u64,
}

/// Connections of one process that failed with one error, since the reading before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedConnect {
    /// The process.
    pub process: Arc<Process>,
    /// The error, as `connect` or `SO_ERROR` returns it.
    pub errno: u8,
    /// Remote address.
    pub remote: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Number of failed connections.
    pub count: u64,
}

/// Failed calls and connections of all processes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusals {
    /// Calls that found no free port or address, since the reading before.
    pub readings: Vec<RefusalReading>,
    /// Every TCP connection that failed for any reason, since the reading before; `None` where they are
    /// not counted.
    #[serde(default)]
    pub failed: Option<Vec<FailedConnect>>,
    /// Events that could not be counted, since the start.
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
