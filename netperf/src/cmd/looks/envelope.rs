//! What stands before the first look and after the last, and what if none is possible?

use std::io;

use netperf_core::clock::{self, WallNs};
use netperf_core::collect::AttachedHook;
use netperf_core::failure::Failure;
use netperf_core::sample::socket::Unseen;
use netperf_sys::capture::SocketsError;

use crate::cmd::args::Common;
use crate::cmd::timer::Timing;
use crate::view::envelope::{End, Reason, SCHEMA, Start};
use crate::view::time::Rfc3339;

/// The beginning of a session.
pub(in crate::cmd) struct Opening<'s> {
    /// Whose looks follow.
    pub(in crate::cmd) command: &'static str,
    /// When.
    pub(in crate::cmd) wall: WallNs,
    /// More than one look.
    pub(in crate::cmd) timing: Option<Timing>,
    /// What the first look could not see.
    pub(in crate::cmd) unseen: &'s [Unseen],
    /// What counts between the looks.
    pub(in crate::cmd) hooks: &'s [AttachedHook],
}

impl Opening<'_> {
    /// The first line.
    pub(in crate::cmd) fn start(&self) -> Start {
        let host = rustix::system::uname();
        Start {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            command: self.command,
            time: Rfc3339(self.wall),
            host: host.nodename().to_string_lossy().into_owned(),
            kernel: host.release().to_string_lossy().into_owned(),
            interval_s: self
                .timing
                .map_or(0.0, |timing| timing.interval.as_secs_f64()),
            hooks: self.hooks.to_vec(),
            unavailable: self.unseen.to_vec(),
        }
    }
}

/// The last line.
pub(in crate::cmd) fn end(ticks: u64, reason: Reason) -> End {
    End {
        time: Rfc3339(clock::now().1),
        ticks,
        slots_in_use: 0,
        reason,
    }
}

/// Whether more than one look is asked for.
pub(in crate::cmd) fn repeats(common: &Common) -> bool {
    common.interval.is_some() || common.count.is_some() || common.duration.is_some()
}

/// The exit status that fits.
pub(in crate::cmd) fn failure(error: SocketsError) -> Failure {
    let (is_lack, is_forbidden) = match &error {
        SocketsError::NoList { .. } => (true, false),
        SocketsError::Namespace { source, .. } => {
            (false, source.kind() == io::ErrorKind::PermissionDenied)
        }
    };
    let text = format!("{:#}", anyhow::Error::new(error));
    match (is_lack, is_forbidden) {
        (true, _) => Failure::Lacking(text),
        (false, true) => Failure::NotAllowed(format!("{text}: run it as root")),
        (false, false) => Failure::Usage(text),
    }
}
