//! The probes on the path to a host and their results. One cycle sends a probe for each hop.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::clock::{MonoNs, WallNs};

/// Protocol of the probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// ICMP echo, as `ping` sends it.
    Icmp,
    /// UDP to this port, which should be closed.
    Udp(u16),
    /// TCP SYN to this port; the connection is never completed.
    Tcp(u16),
}

/// Where probes go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathTarget {
    /// The host as the user wrote it. Untrusted text.
    pub host: String,
    /// Address of the host.
    pub address: IpAddr,
    /// Protocol of the probes.
    pub method: Method,
    /// Length of a probe with all its headers, in bytes.
    pub size: u16,
}

/// All probes of one cycle, once the result of each is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathCycle {
    /// Number of the cycle, from 1.
    pub cycle: u64,
    /// When the last result was known, for rates.
    pub at: MonoNs,
    /// The same moment on the wall clock.
    pub wall: WallNs,
    /// Results by distance: the first has a TTL of 1. The last is the one that ended the path, if any
    /// did.
    pub probes: Vec<Outcome>,
    /// Whether every distance up to the limit was tried and none ended the path.
    pub is_exhausted: bool,
}

/// Result of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// An answer came.
    Answered(Reply),
    /// No answer came in time.
    Lost,
    /// This machine did not send it, for this reason.
    NotSent(String),
}

/// An answer to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Sender of the answer.
    pub from: IpAddr,
    /// Time from the probe to the answer's arrival in the kernel.
    pub rtt_us: u32,
    /// Meaning of the answer.
    pub said: Said,
}

/// Meaning of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// The destination answered.
    Reached,
    /// The destination refused: RST to a SYN.
    Refused,
    /// A router: the TTL expired there.
    Expired,
    /// A router: it does not forward the packet, for this reason.
    Unreachable(Unreachable),
    /// A router: the packet is larger than the MTU of its next link, which it may name.
    TooBig(Option<u32>),
}

impl Said {
    /// Whether the destination itself answered.
    pub fn is_destination(self) -> bool {
        matches!(self, Self::Reached | Self::Refused)
    }

    /// Whether probes get no further.
    pub fn ends_way(self) -> bool {
        !matches!(self, Self::Expired)
    }
}

/// Why a router does not forward a packet (RFC 792, RFC 1812, RFC 4443).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unreachable {
    /// It has no route.
    Network,
    /// The host does not answer on its link.
    Host,
    /// A filter forbids it.
    Prohibited,
    /// Another reason: type and code of the ICMP message.
    Other(u8, u8),
}

/// The largest packet that passes, as far as probes have found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MtuReading {
    /// Largest packet that the destination answered, headers included.
    pub passes: Option<u32>,
    /// Smallest packet that it did not answer.
    pub fails: Option<u32>,
    /// MTU of the interface that packets leave by.
    pub link: Option<u32>,
    /// Router that reported a packet as too large, and the MTU that it named.
    pub told_by: Option<(IpAddr, Option<u32>)>,
    /// Distance of the first hop that answers small packets but none of size `fails`, where no router
    /// reported them as too large.
    pub lost_at: Option<u8>,
}
