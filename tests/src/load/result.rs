//! What does the mover print? One JSON line a path.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::tracer::exact::Expected;

/// How a path went.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Played {
    /// Its processes moved these bytes.
    Moved {
        /// Name of the path.
        path: String,
        /// One row a process.
        rows: Vec<Expected>,
    },
    /// The machine lacks what it needs.
    Absent {
        /// Name of the path.
        path: String,
        /// What is missing.
        why: String,
    },
    /// It could not be played, or its ends contradict each other.
    Failed {
        /// Name of the path.
        path: String,
        /// The chain of errors.
        why: String,
    },
}

impl fmt::Display for Played {
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
