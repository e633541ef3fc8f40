//! A row of `states --watch`: one transition, as it happens.

use std::net::SocketAddr;

use netperf_core::sample::event::{ConnectionEvent, Transition};
use netperf_core::sample::{Proto, TcpState};
use serde::Serialize;

use crate::view::time::Rfc3339;

/// One state transition of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "transition")]
pub struct TransitionRow<'h> {
    /// When the kernel changed the state.
    pub time: Rfc3339,
    /// Always TCP.
    pub proto: Proto,
    /// Local address and port.
    pub local: SocketAddr,
    /// Remote address and port.
    pub remote: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Process id; 0 where no process is known.
    pub pid: u32,
    /// Process id in the initial pid namespace, where the tracer's has another or none.
    pub host_pid: Option<u32>,
    /// Its name. Untrusted text.
    pub name: &'h str,
    /// State before the transition.
    pub old: TcpState,
    /// State after the transition.
    pub new: TcpState,
    /// Microseconds in the state before; `None` if its beginning was not seen.
    pub in_old_us: Option<u64>,
}

impl<'h> TransitionRow<'h> {
    /// The row of a transition.
    pub fn new(event: &'h ConnectionEvent, transition: Transition) -> Self {
        let process = &event.process;
        Self {
            time: Rfc3339(event.wall),
            proto: Proto::Tcp,
            local: event.local,
            remote: event.remote,
            netns: event.netns,
            pid: process.id.tgid,
            host_pid: process.host_tgid,
            name: &process.name,
            old: transition.old,
            new: transition.new,
            in_old_us: transition.in_old_us,
        }
    }
}
