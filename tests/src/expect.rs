//! What must the tracer say? The rows that a path expects, and how the totals are held against them.

use serde::{Deserialize, Serialize};

/// What one process moved, by the return values of its own system calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Process id in the pid namespace of the tests.
    pub pid: u32,
    /// Name (`comm`) of the process while it moved bytes.
    pub name: String,
    /// Payload handed to sockets.
    pub tx_bytes: u64,
    /// Payload taken from sockets.
    pub rx_bytes: u64,
}
