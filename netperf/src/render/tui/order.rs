//! Orders that the user gives on the screen. Limits run in processes of their own.

use netperf_core::sample::ProcessId;
use netperf_core::units::ByteRate;

/// What to do about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitOrder {
    /// Limit the process.
    Begin {
        /// The process.
        process: ProcessId,
        /// Upload limit.
        up: Option<ByteRate>,
        /// Download limit.
        down: Option<ByteRate>,
    },
    /// End its limits.
    End {
        /// The process.
        process: ProcessId,
    },
}
