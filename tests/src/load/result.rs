//! What the mover prints: one JSON line for each path.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What one process moved, by the return values of its own system calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessBytes {
    /// Process id in the pid namespace of the tests.
    pub pid: u32,
    /// Name (`comm`) of the process while it moved bytes.
    pub name: String,
    /// Payload handed to sockets.
    pub tx_bytes: u64,
    /// Payload taken from sockets.
    pub rx_bytes: u64,
}

/// The result of a path.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum PathResult {
    /// Its processes moved these bytes.
    Moved {
        /// Name of the path.
        path: String,
        /// One row a process.
        rows: Vec<ProcessBytes>,
    },
    /// The machine lacks what it needs.
    Absent {
        /// Name of the path.
        path: String,
        /// What is missing.
        why: String,
    },
    /// It failed, or its ends contradict each other.
    Failed {
        /// Name of the path.
        path: String,
        /// The chain of errors.
        why: String,
    },
}

impl fmt::Display for PathResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved { path, rows } => {
                let sent: u64 = rows.iter().map(|row| row.tx_bytes).sum();
                let received: u64 = rows.iter().map(|row| row.rx_bytes).sum();
                let processes = rows.len();
                write!(
                    f,
                    "{path}: {sent} sent, {received} received by {processes} processes"
                )
            }
            Self::Absent { path, why } => write!(f, "{path}: ABSENT, {why}"),
            Self::Failed { path, why } => write!(f, "{path}: FAILED, {why}"),
        }
    }
}
