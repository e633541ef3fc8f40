//! How do the network interfaces stand? One look at each: its link, its queues, its counters.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::socket::Unseen;
use crate::clock::{MonoNs, WallNs};

/// One look at the interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicSample {
    /// When, for rates.
    pub at: MonoNs,
    /// When, for people.
    pub wall: WallNs,
    /// Every interface of the network namespaces that were looked at.
    pub nics: Vec<NicReading>,
    /// What each processor took from the interfaces. Of the machine.
    pub softnet: Vec<SoftnetReading>,
    /// The tracer's own network namespace.
    pub own_namespace: Option<u32>,
    /// How many network namespaces were looked at.
    pub namespaces: usize,
    /// What could not be seen.
    pub unseen: Vec<Unseen>,
}

/// One interface. `None` is what its driver or this kernel does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicReading {
    /// Inode number of its network namespace.
    pub netns: u32,
    /// Its number there.
    pub index: u32,
    /// Its name. Untrusted text.
    pub name: String,
    /// What makes it, where it is no hardware: `veth`, `bridge`, `vlan`, …
    pub kind: Option<String>,
    /// Whether it is loopback.
    pub is_loopback: bool,
    /// Whether somebody has set it up.
    pub is_up: bool,
    /// What the kernel says of the link.
    pub state: OperState,
    /// Whether there is a carrier.
    pub carrier: Option<bool>,
    /// How often the carrier came or went since the interface was made.
    pub carrier_changes: Option<u32>,
    /// Largest packet without its link header, in bytes.
    pub mtu: u32,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Who drives it.
    pub driver: Option<Driver>,
    /// Speed and duplex, and which ones are possible.
    pub mode: LinkMode,
    /// Since the interface was made.
    pub counters: LinkCounters,
    /// The queue of what is to be sent.
    pub queue: Option<QueueReading>,
    /// Packets that filters threw away as they arrived, since the filters' queue was made.
    pub ingress_drops: Option<u64>,
    /// Room in the rings that the driver shares with the hardware.
    pub rings: Option<Rings>,
    /// Queues of the hardware.
    pub channels: Option<Channels>,
    /// Counters of the driver's own, by name. Untrusted text. Empty while nobody asks for them.
    pub driver_counters: Vec<(String, u64)>,
}

/// What the kernel says of a link (RFC 2863).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OperState {
    /// The driver does not say.
    #[default]
    Unknown,
    /// A part of it is missing.
    NotPresent,
    /// No link.
    Down,
    /// What it stands on is down.
    LowerLayerDown,
    /// Under test.
    Testing,
    /// It waits for something, such as 802.1X.
    Dormant,
    /// Packets pass.
    Up,
}

/// Who drives an interface. Untrusted text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Driver {
    /// Its name.
    pub name: String,
    /// Version of its firmware, where it says one.
    pub firmware: Option<String>,
    /// Where the device is, for example `0000:03:00.0`.
    pub bus: Option<String>,
}

/// Speed and duplex.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkMode {
    /// Mbit/s.
    pub speed_mbit: Option<u32>,
    /// Whether both ends may send at the same time.
    pub duplex: Option<Duplex>,
    /// Whether both ends agree on a speed by themselves.
    pub autoneg: Option<bool>,
    /// The fastest that the hardware can do, in Mbit/s.
    pub supported_mbit: Option<u32>,
    /// The fastest that this end offers, in Mbit/s.
    pub advertised_mbit: Option<u32>,
    /// The fastest that the other end offers, in Mbit/s.
    pub peer_mbit: Option<u32>,
}

/// Whether both ends of a link may send at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Duplex {
    /// One after the other.
    Half,
    /// At the same time.
    Full,
}

/// The queue of what is to be sent: the outermost one, which counts for those within it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueReading {
    /// Its kind: `fq_codel`, `mq`, `htb`, …
    pub kind: String,
    /// Packets that wait now.
    pub backlog_packets: u32,
    /// Bytes that wait now.
    pub backlog_bytes: u32,
    /// Packets thrown away since it was made; begins anew after 2³².
    pub drops: u32,
    /// Packets that the driver had no room for and that were queued again; begins anew after 2³².
    pub requeues: u32,
    /// How often it held packets back to keep a rate; begins anew after 2³².
    pub overlimits: u32,
    /// Bytes a second that it lets out at most, where it is of a kind that has one rate (`tbf`).
    pub rate: Option<u64>,
}

/// Room in the rings, in packets. `None` where the hardware has no such ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rings {
    /// For what arrives.
    pub rx: Option<u32>,
    /// The most that is possible.
    pub rx_max: Option<u32>,
    /// For what is sent.
    pub tx: Option<u32>,
    /// The most that is possible.
    pub tx_max: Option<u32>,
}

/// Queues of the hardware. `None` where there are none of the kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Channels {
    /// For what arrives.
    pub rx: Option<u32>,
    /// For what is sent.
    pub tx: Option<u32>,
    /// For both.
    pub combined: Option<u32>,
    /// The most that is possible.
    pub combined_max: Option<u32>,
}

/// What one processor took from the interfaces, since boot. All begin anew after 2³².
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftnetReading {
    /// Number of the processor.
    pub cpu: u32,
    /// Packets that it took.
    pub processed: u32,
    /// Packets that found its queue full.
    pub dropped: u32,
    /// How often it had to stop with packets left.
    pub squeezed: u32,
}

/// A counter of an interface, as `struct rtnl_link_stats64` has it.
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
    /// All, in the kernel's order.
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

    /// As the kernel calls it.
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

/// The counters of an interface; those that this kernel does not have yet are missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkCounters(pub Vec<u64>);

impl LinkCounters {
    /// One of them.
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
