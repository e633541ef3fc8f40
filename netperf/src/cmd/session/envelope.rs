//! The first and the last object of a session.

use netperf_core::clock::{self, WallNs};
use netperf_core::collect::AttachedHook;
use netperf_core::sample::socket::Unseen;

use super::Timing;
use crate::view::envelope::{End, Reason, SCHEMA, Start};
use crate::view::time::Rfc3339;

/// Contents of the first object.
pub(in crate::cmd) struct Opening<'s> {
    /// Name of the command.
    pub(in crate::cmd) command: &'static str,
    /// When the session began.
    pub(in crate::cmd) wall: WallNs,
    /// Timing of the ticks; `None` for a single report.
    pub(in crate::cmd) timing: Option<Timing>,
    /// The hooks that count.
    pub(in crate::cmd) hooks: &'s [AttachedHook],
    /// What can't be seen here.
    pub(in crate::cmd) unseen: &'s [Unseen],
}

impl Opening<'_> {
    /// An opening of this moment, without hooks and without anything unseen.
    pub(in crate::cmd) fn now(command: &'static str, timing: Option<Timing>) -> Self {
        Self {
            command,
            wall: clock::now().1,
            timing,
            hooks: &[],
            unseen: &[],
        }
    }

    /// The first object.
    pub(in crate::cmd) fn start(&self) -> Start {
        let host = rustix::system::uname();
        let interval = self.timing.map(|timing| timing.interval);
        Start {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            command: self.command,
            time: Rfc3339(self.wall),
            host: host.nodename().to_string_lossy().into_owned(),
            kernel: host.release().to_string_lossy().into_owned(),
            interval_s: interval.unwrap_or_default().as_secs_f64(),
            hooks: self.hooks.to_vec(),
            unavailable: self.unseen.to_vec(),
        }
    }
}

/// The last object.
pub(in crate::cmd) fn end(ticks: u64, reason: Reason) -> End {
    End {
        time: Rfc3339(clock::now().1),
        ticks,
        slots_in_use: 0,
        reason,
    }
}
