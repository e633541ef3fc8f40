//! A row of `retrans --watch`: one retransmission, as it happens.

use std::net::SocketAddr;

use netperf_core::sample::TcpState;
use netperf_core::sample::event::{ConnectionEvent, Retransmission};
use netperf_core::sample::losses::RetransKind;
use serde::Serialize;

use crate::view::time::Rfc3339;

/// One retransmission by TCP.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "retransmit")]
pub struct RetransmitRow<'h> {
    /// When the kernel sent the segment again.
    pub time: Rfc3339,
    /// What triggered the retransmission.
    pub kind: RetransKind,
    /// Process id; 0 where no process is known.
    pub pid: u32,
    /// Process id in the initial pid namespace, where the tracer's has another or none.
    pub host_pid: Option<u32>,
    /// Its name. Untrusted text.
    pub name: &'h str,
    /// Local address and port.
    pub local: SocketAddr,
    /// Remote address and port.
    pub remote: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// State of the connection.
    pub state: Option<TcpState>,
    /// Smoothed round-trip time.
    pub srtt_us: Option<u32>,
    /// Congestion window in segments.
    pub cwnd: u32,
}

impl<'h> RetransmitRow<'h> {
    /// The row of a retransmission.
    pub fn new(event: &'h ConnectionEvent, what: Retransmission) -> Self {
        let process = &event.process;
        Self {
            time: Rfc3339(event.wall),
            kind: what.kind,
            pid: process.id.tgid,
            host_pid: process.host_tgid,
            name: &process.name,
            local: event.local,
            remote: event.remote,
            netns: event.netns,
            state: what.state,
            srtt_us: what.srtt_us,
            cwnd: what.cwnd,
        }
    }
}
