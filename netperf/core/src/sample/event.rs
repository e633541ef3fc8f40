//! What happened, one by one? Events as the readers deliver them.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::losses::RetransKind;
use super::{Process, TcpState};
use crate::clock::{MonoNs, WallNs};

/// Something that happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionEvent {
    /// When, for durations.
    pub at: MonoNs,
    /// When, for people.
    pub wall: WallNs,
    /// Whose connection; the kernel's where no process is known.
    pub process: Arc<Process>,
    /// This end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// What.
    pub what: EventKind,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// Something was sent again.
    Retransmit(Retransmission),
    /// The connection went from one state to another.
    Transition(Transition),
}

/// Something was sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retransmission {
    /// Why.
    pub kind: RetransKind,
    /// State of the connection.
    pub state: Option<TcpState>,
    /// Smoothed round-trip time.
    pub srtt_us: Option<u32>,
    /// Congestion window in segments.
    pub cwnd: u32,
}

/// A connection went from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The socket's identifier.
    pub socket: u64,
    /// Before.
    pub old: TcpState,
    /// After.
    pub new: TcpState,
    /// How long it was in the state before; `None` if that began unseen.
    pub in_old_us: Option<u64>,
    /// Somebody listens at its local port: the other end has begun it.
    pub accepted: bool,
    /// The other end's FIN has arrived.
    pub fin_arrived: bool,
    /// An error ended the connection.
    pub failed: bool,
}
