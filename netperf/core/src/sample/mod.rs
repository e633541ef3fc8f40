//! One reading: cumulative counters at one moment, as the readers deliver them.
//!
//! A sample is all that the model ever sees, so replaying stored samples repeats a session.
//! Counters are since the start of the tracer, events since the sample before; a process or flow is listed when its counters or its
//! identity changed since the sample before, or when it ended.

pub mod dns;
pub mod dns_watch;
pub mod event;
pub mod http;
pub mod latency;
pub mod limit;
pub mod losses;
pub mod name_service;
pub mod network;
pub mod nic;
pub mod path;
pub mod pressure;
pub mod refusal;
pub mod socket;
pub mod state_set;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use self::latency::LatencyReading;
use self::losses::{DropReading, Losses, ResetReading};
use crate::clock::{MonoNs, WallNs};

/// One cumulative reading.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was read, for rates.
    pub at: MonoNs,
    /// When it was read, on the wall clock.
    pub wall: WallNs,
    /// Processes whose counters or identity changed, or that ended.
    pub processes: Vec<ProcessReading>,
    /// Flows whose counters changed, or that ended. Empty where the view wants no flows.
    pub flows: Vec<FlowReading>,
    /// Every network interface of the tracer's namespace.
    pub links: Vec<LinkReading>,
    /// Resets since the sample before. Empty where the view wants no losses.
    pub resets: Vec<ResetReading>,
    /// Packets that the kernel dropped since the sample before. Empty where the view wants no losses.
    pub drops: Vec<DropReading>,
    /// Histograms of latencies.
    pub latencies: Vec<LatencyReading>,
    /// What could not be delivered.
    pub loss: Loss,
    /// What the tracer itself costs.
    pub tracer: TracerCost,
    /// (socket, process) pairs that the kernel side holds counters for.
    pub slots_in_use: u64,
    /// Sources that could not be read this time: shown, never fatal.
    pub degraded: Vec<String>,
}

/// Identity of a process: a reused pid has another start time.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ProcessId {
    /// Thread group id in the tracer's pid namespace; 0 is `[kernel]`.
    pub tgid: u32,
    /// Start on `CLOCK_BOOTTIME`.
    pub start: MonoNs,
}

/// Who a process is. Everything but the id may be unknown: it may have ended before it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Pid and start time.
    pub id: ProcessId,
    /// Thread group id in the initial pid namespace, where it differs from the tracer's. `id` holds
    /// this one where the tracer's namespace has none.
    pub host_tgid: Option<u32>,
    /// Start on the wall clock.
    pub started: WallNs,
    /// `comm` of the leader, or `[kernel]`. Untrusted text.
    pub name: String,
    /// Path of the executable. Untrusted text.
    pub exe: Option<String>,
    /// Arguments. Untrusted text.
    pub cmdline: Option<Vec<String>>,
    /// Real user id.
    pub uid: Option<u32>,
    /// Name of that user in `/etc/passwd`.
    pub user: Option<String>,
    /// Path in the cgroup v2 hierarchy. Untrusted text.
    pub cgroup: Option<String>,
    /// systemd unit that the cgroup path names.
    pub unit: Option<String>,
    /// Container that the cgroup path names.
    pub container: Option<Container>,
    /// Inode number of the network namespace.
    pub netns: Option<u32>,
}

/// A container, as the cgroup path identifies it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Container {
    /// Container runtime, if the path names it.
    pub runtime: Runtime,
    /// Full identifier of the container (64 hexadecimal digits for most runtimes).
    pub id: String,
}

/// Container runtimes that name themselves in the cgroup path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// Docker, on containerd or not.
    Docker,
    /// containerd without Docker.
    Containerd,
    /// Podman, also its pods.
    Podman,
    /// CRI-O, for Kubernetes.
    CriO,
    /// Kubernetes pod whose runtime the path does not name.
    Kubepods,
}

/// A process's cumulative counters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessReading {
    /// The process.
    pub process: Arc<Process>,
    /// Payload handed to sockets since start.
    pub tx_bytes: u64,
    /// Payload taken from sockets since start.
    pub rx_bytes: u64,
    /// Segments retransmitted by its sockets since start.
    pub retrans: u64,
    /// False once the process has ended.
    pub alive: bool,
    /// True in the last reading of this process: its totals are final.
    pub last: bool,
}

/// One (socket, process) pair.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct FlowId {
    /// The kernel's socket cookie.
    pub socket: u64,
    /// The process that moved the bytes.
    pub process: ProcessId,
}

/// Transport of a flow.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum,
)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Proto {
    /// TCP, MPTCP included.
    Tcp,
    /// UDP, UDP-Lite included.
    Udp,
}

impl Proto {
    /// The name in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// TCP states, named as in the JSON output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(
    missing_docs,
    reason = "the names are those of RFC 9293 and of tcp_states.h"
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TcpState {
    Established,
    SynSent,
    SynRecv,
    #[serde(rename = "FIN_WAIT1")]
    FinWait1,
    #[serde(rename = "FIN_WAIT2")]
    FinWait2,
    TimeWait,
    Close,
    CloseWait,
    LastAck,
    Listen,
    Closing,
}

impl TcpState {
    /// The state with this number in `include/net/tcp_states.h`.
    pub fn from_kernel(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Established,
            2 => Self::SynSent,
            // 12 is TCP_NEW_SYN_RECV, which no full socket has.
            3 | 12 => Self::SynRecv,
            4 => Self::FinWait1,
            5 => Self::FinWait2,
            6 => Self::TimeWait,
            7 => Self::Close,
            8 => Self::CloseWait,
            9 => Self::LastAck,
            10 => Self::Listen,
            11 => Self::Closing,
            _ => return None,
        })
    }

    /// Its number in `include/net/tcp_states.h`.
    pub fn to_kernel(self) -> u8 {
        match self {
            Self::Established => 1,
            Self::SynSent => 2,
            Self::SynRecv => 3,
            Self::FinWait1 => 4,
            Self::FinWait2 => 5,
            Self::TimeWait => 6,
            Self::Close => 7,
            Self::CloseWait => 8,
            Self::LastAck => 9,
            Self::Listen => 10,
            Self::Closing => 11,
        }
    }

    /// The name in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Established => "ESTABLISHED",
            Self::SynSent => "SYN_SENT",
            Self::SynRecv => "SYN_RECV",
            Self::FinWait1 => "FIN_WAIT1",
            Self::FinWait2 => "FIN_WAIT2",
            Self::TimeWait => "TIME_WAIT",
            Self::Close => "CLOSE",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::Listen => "LISTEN",
            Self::Closing => "CLOSING",
        }
    }
}

/// A flow's cumulative counters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowReading {
    /// Socket and process.
    pub id: FlowId,
    /// The process that moved the bytes.
    pub process: Arc<Process>,
    /// Transport of the flow.
    pub proto: Proto,
    /// Local address; v4-mapped addresses are given as IPv4.
    pub local: SocketAddr,
    /// Remote address; unspecified with port 0 where the socket is not connected.
    pub remote: SocketAddr,
    /// Inode number of the socket's network namespace.
    pub netns: u32,
    /// Payload handed to the socket since start.
    pub tx_bytes: u64,
    /// Payload taken from the socket since start.
    pub rx_bytes: u64,
    /// TCP only: the state at the last activity.
    pub state: Option<TcpState>,
    /// TCP only: smoothed round-trip time at the last activity.
    pub srtt_us: Option<u32>,
    /// TCP only: segments that the socket has retransmitted in its life.
    pub retrans: Option<u32>,
    /// Segments retransmitted since start that count for this process. A socket that several processes
    /// use counts for one of them, and SYN-ACKs count for the listener.
    pub retransmitted: u64,
    /// TCP only: its losses; `None` where the view wants no losses.
    pub losses: Option<Losses>,
    /// True in the last reading of this flow: its totals are final.
    pub closed: bool,
}

/// A network interface's cumulative counters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkReading {
    /// Name. Untrusted text.
    pub name: String,
    /// Interface index in its namespace.
    pub index: u32,
    /// Wire bytes sent since the interface came up.
    pub tx_bytes: u64,
    /// Wire bytes received since the interface came up.
    pub rx_bytes: u64,
    /// Link speed in Mbit/s, where the driver reports one.
    pub speed_mbit: Option<u32>,
    /// Whether it is administratively up.
    pub up: bool,
    /// Addresses assigned to it.
    pub addresses: Vec<IpAddr>,
}

/// Events and updates that could not be delivered since start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Loss {
    /// Ring buffer records that found no room. Totals stay exact: a full sweep reads them.
    pub ring_lost: u64,
    /// Updates that found a map full: these bytes are missing.
    pub map_full: u64,
    /// Reads of sockets whose position was not known yet, and calls at which the kernel did not run
    /// the program that counts: these bytes are missing.
    pub unread: u64,
}

/// What the tracer itself costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracerCost {
    /// CPU time used since its start.
    pub cpu: Duration,
    /// Its own resident memory plus that of its kernel maps.
    pub memory_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_the_kernel_s() {
        assert_eq!(TcpState::from_kernel(1), Some(TcpState::Established));
        assert_eq!(TcpState::from_kernel(6), Some(TcpState::TimeWait));
        assert_eq!(TcpState::from_kernel(0), None);
        for number in 1..=11 {
            let state = TcpState::from_kernel(number);
            assert_eq!(state.map(TcpState::to_kernel), Some(number));
        }
    }
}
