//! Single events on connections, as the readers deliver them.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::losses::RetransKind;
use super::{Process, TcpState};
use crate::clock::{MonoNs, WallNs};

/// An event on one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionEvent {
    /// When it happened, for durations.
    pub at: MonoNs,
    /// When it happened, on the wall clock.
    pub wall: WallNs,
    /// Owner of the connection; the kernel where no process is known.
    pub process: Arc<Process>,
    /// Local address.
    pub local: SocketAddr,
    /// Remote address.
    pub remote: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Kind of event.
    pub what: EventKind,
}

/// Kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// A segment was sent again.
    Retransmit(Retransmission),
    /// The connection changed its state.
    Transition(Transition),
}

/// A segment was sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retransmission {
    /// What triggered the retransmission.
    pub kind: RetransKind,
    /// State of the connection.
    pub state: Option<TcpState>,
    /// Smoothed round-trip time.
    pub srtt_us: Option<u32>,
    /// Congestion window in segments.
    pub cwnd: u32,
}

/// A connection changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The socket's identifier.
    pub socket: u64,
    /// State before the transition.
    pub old: TcpState,
    /// State after the transition.
    pub new: TcpState,
    /// Time in the old state; `None` if its beginning was not seen.
    pub in_old_us: Option<u64>,
    /// A socket listens at the local port: the other end opened the connection.
    pub accepted: bool,
    /// The other end's FIN has arrived.
    pub fin_arrived: bool,
    /// An error ended the connection.
    pub failed: bool,
}
