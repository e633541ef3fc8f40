//! The state of the network interfaces: link, queues, and counters of each.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::socket::Unseen;
use crate::clock::{MonoNs, WallNs};

/// One snapshot of the interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicSample {
    /// When it was taken, for rates.
    pub at: MonoNs,
    /// When it was taken, on the wall clock.
    pub wall: WallNs,
    /// Every interface of the network namespaces in view.
    pub nics: Vec<NicReading>,
    /// Packets that each processor took from the interfaces. Machine-wide.
    pub softnet: Vec<SoftnetReading>,
    /// The tracer's own network namespace.
    pub own_namespace: Option<u32>,
    /// Number of network namespaces in view.
    pub namespaces: usize,
    /// What could not be seen.
    pub unseen: Vec<Unseen>,
}

/// One interface. `None` where its driver or this kernel has no such figure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicReading {
    /// Inode number of its network namespace.
    pub netns: u32,
    /// Interface index in that namespace.
    pub index: u32,
    /// Its name. Untrusted text.
    pub name: String,
    /// Kind of a virtual interface: `veth`, `bridge`, `vlan`, …
    pub kind: Option<String>,
    /// Whether it is loopback.
    pub is_loopback: bool,
    /// Whether it is administratively up.
    pub is_up: bool,
    /// Operational state of the link.
    pub state: OperState,
    /// Whether there is a carrier.
    pub carrier: Option<bool>,
    /// How often the carrier came or went since the interface was made.
    pub carrier_changes: Option<u32>,
    /// MTU in bytes: the largest packet, without its link header.
    pub mtu: u32,
    /// Addresses of the interface.
    pub addresses: Vec<IpAddr>,
    /// Its driver.
    pub driver: Option<Driver>,
    /// Speed and duplex, and which ones are possible.
    pub mode: LinkMode,
    /// Counters since the interface was made.
    pub counters: LinkCounters,
    /// Its send queue (qdisc).
    pub queue: Option<QueueReading>,
    /// Packets that ingress filters dropped since their queue was made.
    pub ingress_drops: Option<u64>,
    /// Size of the rings that the driver shares with the hardware.
    pub rings: Option<Rings>,
    /// Hardware queues.
    pub channels: Option<Channels>,
    /// Counters of the driver itself, by name. Untrusted text. Empty where not needed.
    pub driver_counters: Vec<(String, u64)>,
}

/// Operational state of a link (RFC 2863).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OperState {
    /// The driver does not report a state.
    #[default]
    Unknown,
    /// A component is missing.
    NotPresent,
    /// The link is down.
    Down,
    /// The interface below is down.
    LowerLayerDown,
    /// A test is running.
    Testing,
    /// It waits for an event, such as 802.1X authentication.
    Dormant,
    /// The link can carry packets.
    Up,
}

/// The driver of an interface. Untrusted text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Driver {
    /// Name of the driver.
    pub name: String,
    /// Firmware version, where it reports one.
    pub firmware: Option<String>,
    /// Bus address of the device, for example `0000:03:00.0`.
    pub bus: Option<String>,
}

/// Speed and duplex.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkMode {
    /// Speed in Mbit/s.
    pub speed_mbit: Option<u32>,
    /// Whether both ends may send at the same time.
    pub duplex: Option<Duplex>,
    /// Whether autonegotiation is on.
    pub autoneg: Option<bool>,
    /// Highest speed that the hardware supports, in Mbit/s.
    pub supported_mbit: Option<u32>,
    /// Highest speed that this end advertises, in Mbit/s.
    pub advertised_mbit: Option<u32>,
    /// Highest speed that the other end advertises, in Mbit/s.
    pub peer_mbit: Option<u32>,
}

/// Whether both ends of a link may send at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Duplex {
    /// Only one end sends at a time.
    Half,
    /// Both ends may send at the same time.
    Full,
}

/// The send queue (qdisc) of an interface: the outermost, whose counters include those within it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueReading {
    /// Its kind: `fq_codel`, `mq`, `htb`, …
    pub kind: String,
    /// Packets in the queue now.
    pub backlog_packets: u32,
    /// Bytes in the queue now.
    pub backlog_bytes: u32,
    /// Packets dropped since it was made; wraps at 2³².
    pub drops: u32,
    /// Packets queued again because the driver had no room for them; wraps at 2³².
    pub requeues: u32,
    /// How often it delayed packets to keep a rate; wraps at 2³².
    pub overlimits: u32,
    /// Its rate limit in bytes per second, where the kind has exactly one (`tbf`).
    pub rate: Option<u64>,
}

/// Ring sizes in packets. `None` where the hardware has no such ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rings {
    /// Receive ring.
    pub rx: Option<u32>,
    /// Largest possible receive ring.
    pub rx_max: Option<u32>,
    /// Transmit ring.
    pub tx: Option<u32>,
    /// Largest possible transmit ring.
    pub tx_max: Option<u32>,
}

/// Hardware queues by kind. `None` where the hardware has none of the kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Channels {
    /// Receive queues.
    pub rx: Option<u32>,
    /// Transmit queues.
    pub tx: Option<u32>,
    /// Queues that receive and transmit.
    pub combined: Option<u32>,
    /// Largest possible number of such queues.
    pub combined_max: Option<u32>,
}

/// What one processor took from the interfaces since boot. All counters wrap at 2³².
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftnetReading {
    /// Number of the processor.
    pub cpu: u32,
    /// Packets processed.
    pub processed: u32,
    /// Packets dropped because its queue was full.
    pub dropped: u32,
    /// How often its time or budget ran out with packets left.
    pub squeezed: u32,
}

/// A counter of an interface, as in `struct rtnl_link_stats64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "their names are the kernel's")]
pub enum LinkCounter {
    RxPackets,
    TxPackets,
    RxBytes,
    TxBytes,
    RxErrors,
    TxErrors,
    RxDropped,
    TxDropped,
    Multicast,
    Collisions,
    RxLengthErrors,
    RxOverErrors,
    RxCrcErrors,
    RxFrameErrors,
    RxFifoErrors,
    RxMissedErrors,
    TxAbortedErrors,
    TxCarrierErrors,
    TxFifoErrors,
    TxHeartbeatErrors,
    TxWindowErrors,
    RxCompressed,
    TxCompressed,
    RxNohandler,
}

impl LinkCounter {
    /// Every counter, in the kernel's order.
    pub const ALL: [Self; 24] = [
        Self::RxPackets,
        Self::TxPackets,
        Self::RxBytes,
        Self::TxBytes,
        Self::RxErrors,
        Self::TxErrors,
        Self::RxDropped,
        Self::TxDropped,
        Self::Multicast,
        Self::Collisions,
        Self::RxLengthErrors,
        Self::RxOverErrors,
        Self::RxCrcErrors,
        Self::RxFrameErrors,
        Self::RxFifoErrors,
        Self::RxMissedErrors,
        Self::TxAbortedErrors,
        Self::TxCarrierErrors,
        Self::TxFifoErrors,
        Self::TxHeartbeatErrors,
        Self::TxWindowErrors,
        Self::RxCompressed,
        Self::TxCompressed,
        Self::RxNohandler,
    ];

    /// The kernel's name of the counter.
    pub fn name(self) -> &'static str {
        match self {
            Self::RxPackets => "rx_packets",
            Self::TxPackets => "tx_packets",
            Self::RxBytes => "rx_bytes",
            Self::TxBytes => "tx_bytes",
            Self::RxErrors => "rx_errors",
            Self::TxErrors => "tx_errors",
            Self::RxDropped => "rx_dropped",
            Self::TxDropped => "tx_dropped",
            Self::Multicast => "multicast",
            Self::Collisions => "collisions",
            Self::RxLengthErrors => "rx_length_errors",
            Self::RxOverErrors => "rx_over_errors",
            Self::RxCrcErrors => "rx_crc_errors",
            Self::RxFrameErrors => "rx_frame_errors",
            Self::RxFifoErrors => "rx_fifo_errors",
            Self::RxMissedErrors => "rx_missed_errors",
            Self::TxAbortedErrors => "tx_aborted_errors",
            Self::TxCarrierErrors => "tx_carrier_errors",
            Self::TxFifoErrors => "tx_fifo_errors",
            Self::TxHeartbeatErrors => "tx_heartbeat_errors",
            Self::TxWindowErrors => "tx_window_errors",
            Self::RxCompressed => "rx_compressed",
            Self::TxCompressed => "tx_compressed",
            Self::RxNohandler => "rx_nohandler",
        }
    }
}

/// The counters of an interface; older kernels have fewer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkCounters(pub Vec<u64>);

impl LinkCounters {
    /// The value of one counter.
    pub fn of(&self, counter: LinkCounter) -> Option<u64> {
        self.0.get(counter as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_stand_where_the_kernel_has_them() {
        for (at, counter) in LinkCounter::ALL.into_iter().enumerate() {
            assert_eq!(counter as usize, at, "{}", counter.name());
        }
        let old = LinkCounters((0..23).collect());
        assert_eq!(old.of(LinkCounter::RxMissedErrors), Some(15));
        assert_eq!(old.of(LinkCounter::RxNohandler), None);
    }
}
