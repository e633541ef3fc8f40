//! How do reports reach the user? As JSON, as plain text, or on a full screen.

pub mod batch;
pub mod cell;
mod churn;
mod dns;
pub mod dns_watch;
mod doctor;
mod event;
pub mod hangup;
mod http;
mod json;
pub mod keys;
pub mod latency;
pub mod limit;
mod nic;
pub mod output;
pub mod path;
mod preflight;
pub mod prose;
pub mod retrans;
pub mod sink;
pub mod sockets;
pub mod states;
mod text_table;
pub mod tui;
pub mod width;

#[cfg(test)]
mod tests;

use netperf_core::sample::ProcessId;
use netperf_core::units::ByteRate;

/// What the user wants done about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitOrder {
    /// It is to be limited.
    Begin {
        /// Which.
        process: ProcessId,
        /// What it may send at most.
        up: Option<ByteRate>,
        /// What it may receive at most.
        down: Option<ByteRate>,
    },
    /// Its limits are to end.
    End {
        /// Which.
        process: ProcessId,
    },
}
