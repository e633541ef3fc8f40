//! What came of the probes on the way to a host? One cycle sends a probe for each hop.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::clock::{MonoNs, WallNs};

/// What probes are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// ICMP echo, as `ping` sends it.
    Icmp,
    /// UDP to this port, where nobody is expected to listen.
    Udp(u16),
    /// TCP SYN to this port; no connection comes of it.
    Tcp(u16),
}

/// Where probes go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathTarget {
    /// As the user named it. Untrusted text.
    pub host: String,
    /// Where it is.
    pub address: IpAddr,
    /// How it is asked.
    pub method: Method,
    /// Length of a probe with all its headers, in bytes.
    pub size: u16,
}

/// All probes of one cycle, once the fate of each is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathCycle {
    /// Number of the cycle, from 1.
    pub cycle: u64,
    /// When the last of its probes was decided, for rates.
    pub at: MonoNs,
    /// The same for people.
    pub wall: WallNs,
    /// By distance: the first has a TTL of 1. The last is the one that ended the way, if one did.
    pub probes: Vec<Outcome>,
    /// Whether every distance that was asked for has been tried, and none ended the way.
    pub is_exhausted: bool,
}

/// What became of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Something answered.
    Answered(Reply),
    /// Nothing did, in the time that was allowed.
    Lost,
    /// This machine did not send it, for this reason.
    NotSent(String),
}

/// An answer to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Who answered.
    pub from: IpAddr,
    /// Time from the probe to the answer's arrival in the kernel.
    pub rtt_us: u32,
    /// What was said.
    pub said: Said,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// The destination answered, as a host does that is there.
    Reached,
    /// The destination is there and refuses: RST to a SYN.
    Refused,
    /// A router: the probe's TTL ended here.
    Expired,
    /// A router: it goes no further.
    Unreachable(Unreachable),
    /// A router: the packet is larger than its next link; that one's MTU, where it says so.
    TooBig(Option<u32>),
}

impl Said {
    /// Whether the destination itself said it.
    pub fn is_destination(self) -> bool {
        matches!(self, Self::Reached | Self::Refused)
    }

    /// Whether probes go no further.
    pub fn ends_way(self) -> bool {
        !matches!(self, Self::Expired)
    }
}

/// Why a router sends a packet no further (RFC 792, RFC 1812, RFC 4443).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unreachable {
    /// It knows no route.
    Network,
    /// It knows the link and does not find the host there.
    Host,
    /// A filter forbids it.
    Prohibited,
    /// Another reason: type and code of the ICMP message.
    Other(u8, u8),
}

/// What was found out about the largest packet that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MtuReading {
    /// Largest packet that was answered by the destination, headers included.
    pub passes: Option<u32>,
    /// Smallest that was not.
    pub fails: Option<u32>,
    /// MTU of the interface that packets leave by.
    pub link: Option<u32>,
    /// Router that said that a packet was too large, and the MTU that it named.
    pub told_by: Option<(IpAddr, Option<u32>)>,
    /// Distance of the first hop that no longer answers packets of size `fails`, though it answers
    /// small ones, where nobody said why they vanish.
    pub lost_at: Option<u8>,
}
