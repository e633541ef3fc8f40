//! What happened, one by one? Events as the readers deliver them.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::losses::RetransKind;
use super::{Process, TcpState};
use crate::clock::{MonoNs, WallNs};

/// Something that happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
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
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// Something was sent again.
    Retransmit {
        /// Why.
        kind: RetransKind,
        /// State of the connection.
        state: Option<TcpState>,
        /// Smoothed round-trip time.
        srtt_us: Option<u32>,
        /// Congestion window in segments.
        cwnd: u32,
    },
    /// The connection went from one state to another.
    Transition {
        /// The socket's identifier.
        socket: u64,
        /// Before.
        old: TcpState,
        /// After.
        new: TcpState,
        /// How long it was in the state before; `None` if that began unseen.
        in_old_us: Option<u64>,
        /// The other end's FIN has arrived.
        fin_arrived: bool,
        /// An error ended the connection.
        failed: bool,
    },
}
