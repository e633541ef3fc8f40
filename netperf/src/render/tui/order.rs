//! What can be ordered on the screen? Limits begin and end on other processes than this.

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
