//! What carries each interface, and what did each processor take? The figures of `nic`, as the JSON has
//! them.

pub mod driver;
pub mod users;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

pub use self::driver::DriverRow;
use self::users::{User, Users};
use crate::model::Model;
use crate::model::nic::{Load, NicModel, Streak, speed_is_nominal};
use crate::sample::nic::{
    Channels, Duplex, LinkCounter, NicReading, OperState, Rings, SoftnetReading,
};

/// The figures of one look at the interfaces.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NicFigures<'m> {
    /// Seconds since the look before; `None` for the first.
    pub interval_s: Option<f64>,
    /// Each interface, in the kernel's order.
    pub interfaces: Vec<NicRow<'m>>,
    /// What each processor took from the interfaces. Of the machine.
    pub softnet: Vec<SoftnetRow>,
    /// Names that were asked for and are not there any more. Untrusted text.
    pub missing: Vec<String>,
}

/// One interface. What is not known is `None`; rates and growth need two looks.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::struct_excessive_bools, reason = "each is said by itself")]
pub struct NicRow<'m> {
    /// Its name. Untrusted text.
    pub name: &'m str,
    /// Inode number of its network namespace.
    pub netns: u32,
    /// Whether that is not the tracer's own.
    pub is_elsewhere: bool,
    /// Interface index in that namespace.
    pub index: u32,
    /// What makes it, where it is no hardware.
    pub kind: Option<&'m str>,
    /// Whether it is loopback.
    pub is_loopback: bool,
    /// Name of its driver.
    pub driver: Option<&'m str>,
    /// Version of its firmware.
    pub firmware: Option<&'m str>,
    /// Where the device is.
    pub bus: Option<&'m str>,
    /// Whether somebody has set it up.
    pub up: bool,
    /// What the kernel says of the link.
    pub state: OperState,
    /// Whether there is a carrier.
    pub carrier: Option<bool>,
    /// How often the carrier came or went since the interface was made.
    pub carrier_changes: Option<u32>,
    /// How often it did in this tick.
    pub carrier_changes_in_tick: Option<u32>,
    /// Largest packet without its link header, in bytes.
    pub mtu: u32,
    /// Addresses of the interface.
    pub addresses: &'m [IpAddr],
    /// Speed in Mbit/s.
    pub speed_mbit: Option<u32>,
    /// Whether the driver makes that speed up: it is no limit then.
    pub speed_is_nominal: bool,
    /// Whether both ends may send at the same time.
    pub duplex: Option<Duplex>,
    /// Whether both ends agree on a speed by themselves.
    pub autoneg: Option<bool>,
    /// The fastest that the hardware can do, in Mbit/s.
    pub supported_mbit: Option<u32>,
    /// The fastest that this end offers.
    pub advertised_mbit: Option<u32>,
    /// The fastest that the other end offers.
    pub peer_mbit: Option<u32>,
    /// Sent, in bytes a second as the interface counts them.
    pub tx_bytes_per_s: Option<u64>,
    /// Received.
    pub rx_bytes_per_s: Option<u64>,
    /// Packets sent a second.
    pub tx_packets_per_s: Option<f64>,
    /// Packets received a second.
    pub rx_packets_per_s: Option<f64>,
    /// Share of its speed that it sends at, in percent, with what frames take up beside their bytes.
    pub tx_percent: Option<f64>,
    /// Share of its speed that it receives at, in percent.
    pub rx_percent: Option<f64>,
    /// Share of its speed that is used: of the busier direction, of both on half duplex.
    pub utilisation_percent: Option<f64>,
    /// Every counter, since the interface was made.
    pub counters: BTreeMap<&'static str, u64>,
    /// By how much each grew in this tick; those that went back are missing.
    pub in_tick: Option<BTreeMap<&'static str, u64>>,
    /// The queue of what is to be sent.
    pub queue: Option<QueueRow<'m>>,
    /// Packets that filters threw away as they arrived.
    pub ingress_drops: Option<u64>,
    /// The same in this tick.
    pub ingress_drops_in_tick: Option<u64>,
    /// Room in the rings, in packets.
    pub rings: Option<Rings>,
    /// Queues of the hardware.
    pub channels: Option<Channels>,
    /// Counters of the driver's own; empty while nobody asks for them.
    pub driver_statistics: Vec<DriverRow<'m>>,
    /// Who sends most over it; `None` while nobody counts that.
    pub senders: Option<Users<'m>>,
    /// Who receives most over it.
    pub receivers: Option<Users<'m>>,
    /// For how many ticks in a row something has gone on.
    #[serde(skip)]
    pub streak: Streak,
}

/// The queue of what is to be sent.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QueueRow<'m> {
    /// Kind of the queue.
    pub kind: &'m str,
    /// Packets that wait now.
    pub backlog_packets: u32,
    /// Bytes that wait now.
    pub backlog_bytes: u32,
    /// Packets thrown away since it was made.
    pub drops: u32,
    /// The same in this tick.
    pub drops_in_tick: Option<u64>,
    /// Packets that the driver had no room for and that were queued again.
    pub requeues: u32,
    /// The same in this tick.
    pub requeues_in_tick: Option<u64>,
    /// How often it held packets back to keep a rate.
    pub overlimits: u32,
    /// The same in this tick.
    pub overlimits_in_tick: Option<u64>,
    /// Bytes a second that it lets out at most, where it has one rate.
    pub rate_bytes_per_s: Option<u64>,
}

/// What one processor took from the interfaces.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SoftnetRow {
    /// Number of the processor.
    pub cpu: u32,
    /// Packets since boot.
    pub processed: u32,
    /// Packets in this tick.
    pub processed_in_tick: Option<u64>,
    /// Packets that found its queue full, since boot.
    pub dropped: u32,
    /// Drops in this tick.
    pub dropped_in_tick: Option<u64>,
    /// How often it had to stop with packets left, since boot.
    pub squeezed: u32,
    /// How often that happened in this tick.
    pub squeezed_in_tick: Option<u64>,
}

impl<'m> NicFigures<'m> {
    /// What the latest look found of the interfaces that `takes` says yes to. `traffic` tells which
    /// processes use them, where that is counted.
    pub fn new(
        model: &'m NicModel,
        traffic: Option<&'m Model>,
        takes: impl Fn(&NicReading) -> bool,
    ) -> Self {
        let shown = model.now.nics.iter().filter(|nic| takes(nic));
        Self {
            interval_s: model.interval().map(|length| length.as_secs_f64()),
            interfaces: shown.map(|nic| NicRow::new(model, nic, traffic)).collect(),
            softnet: softnet(model),
            missing: Vec::new(),
        }
    }
}

impl<'m> NicRow<'m> {
    fn new(model: &'m NicModel, nic: &'m NicReading, traffic: Option<&'m Model>) -> Self {
        let load = model.load(nic);
        let speed = load.and_then(|load| load.speed);
        let of_load = |figure: fn(Load) -> Option<f64>| load.and_then(figure);
        let percent = |share: Option<f64>| share.map(|share| share * 100.0);
        let driver = nic.driver.as_ref();
        let used = |by: fn(&User<'_>) -> u64| Some(users::of(traffic?, nic, by));
        Self {
            name: &nic.name,
            netns: nic.netns,
            is_elsewhere: model.now.own_namespace.is_some_and(|own| own != nic.netns),
            index: nic.index,
            kind: nic.kind.as_deref(),
            is_loopback: nic.is_loopback,
            driver: driver.map(|driver| driver.name.as_str()),
            firmware: driver.and_then(|driver| driver.firmware.as_deref()),
            bus: driver.and_then(|driver| driver.bus.as_deref()),
            up: nic.is_up,
            state: nic.state,
            carrier: nic.carrier,
            carrier_changes: nic.carrier_changes,
            carrier_changes_in_tick: model.carrier_changes(nic),
            mtu: nic.mtu,
            addresses: &nic.addresses,
            speed_mbit: nic.mode.speed_mbit,
            speed_is_nominal: speed_is_nominal(nic),
            duplex: nic.mode.duplex,
            autoneg: nic.mode.autoneg,
            supported_mbit: nic.mode.supported_mbit,
            advertised_mbit: nic.mode.advertised_mbit,
            peer_mbit: nic.mode.peer_mbit,
            tx_bytes_per_s: speed.map(|speed| speed.tx_bytes_per_s),
            rx_bytes_per_s: speed.map(|speed| speed.rx_bytes_per_s),
            tx_packets_per_s: load.map(|load| load.tx_packets_per_s),
            rx_packets_per_s: load.map(|load| load.rx_packets_per_s),
            tx_percent: percent(of_load(|load| load.tx_share)),
            rx_percent: percent(of_load(|load| load.rx_share)),
            utilisation_percent: percent(of_load(Load::utilisation)),
            counters: named(|counter| nic.counters.of(counter)),
            in_tick: model
                .interval()
                .map(|_| named(|counter| model.growth(nic, counter))),
            queue: queue(model, nic),
            ingress_drops: nic.ingress_drops,
            ingress_drops_in_tick: model.ingress_drops(nic),
            rings: nic.rings,
            channels: nic.channels,
            driver_statistics: driver::rows(model, nic),
            senders: used(|user| user.tx_bytes_per_s),
            receivers: used(|user| user.rx_bytes_per_s),
            streak: model.streak_of(nic),
        }
    }

    /// A counter, since the interface was made.
    pub fn total(&self, counter: LinkCounter) -> Option<u64> {
        self.counters.get(counter.name()).copied()
    }

    /// By how much a counter grew in this tick.
    pub fn grown(&self, counter: LinkCounter) -> Option<u64> {
        self.in_tick.as_ref()?.get(counter.name()).copied()
    }

    /// Damaged packets in this tick, both ways.
    pub fn errors_in_tick(&self) -> Option<u64> {
        Some(self.grown(LinkCounter::RxErrors)? + self.grown(LinkCounter::TxErrors)?)
    }

    /// Packets that were thrown away in this tick: by the interface, both ways, for want of room in
    /// its ring, and by its queue.
    pub fn drops_in_tick(&self) -> Option<u64> {
        let of_queue = self.queue.as_ref().and_then(|queue| queue.drops_in_tick);
        Some(
            self.grown(LinkCounter::RxDropped)?
                + self.grown(LinkCounter::TxDropped)?
                + self.grown(LinkCounter::RxMissedErrors).unwrap_or(0)
                + of_queue.unwrap_or(0),
        )
    }

    /// Whether it is a device, and not made by the kernel alone.
    pub fn is_hardware(&self) -> bool {
        self.kind.is_none() && !self.is_loopback && self.bus.is_some()
    }

    /// Its name, with its network namespace where that is another one.
    pub fn place(&self) -> String {
        if self.is_elsewhere {
            return format!("{} (in network namespace {})", self.name, self.netns);
        }
        self.name.to_owned()
    }
}

fn named(value: impl Fn(LinkCounter) -> Option<u64>) -> BTreeMap<&'static str, u64> {
    let all = LinkCounter::ALL.into_iter();
    all.filter_map(|counter| Some((counter.name(), value(counter)?)))
        .collect()
}

fn queue<'m>(model: &NicModel, nic: &'m NicReading) -> Option<QueueRow<'m>> {
    let queue = nic.queue.as_ref()?;
    Some(QueueRow {
        kind: &queue.kind,
        backlog_packets: queue.backlog_packets,
        backlog_bytes: queue.backlog_bytes,
        drops: queue.drops,
        drops_in_tick: model.queue_growth(nic, |queue| queue.drops),
        requeues: queue.requeues,
        requeues_in_tick: model.queue_growth(nic, |queue| queue.requeues),
        overlimits: queue.overlimits,
        overlimits_in_tick: model.queue_growth(nic, |queue| queue.overlimits),
        rate_bytes_per_s: queue.rate,
    })
}

fn softnet(model: &NicModel) -> Vec<SoftnetRow> {
    let row = |it: &SoftnetReading| SoftnetRow {
        cpu: it.cpu,
        processed: it.processed,
        processed_in_tick: model.softnet_growth(it, |it| it.processed),
        dropped: it.dropped,
        dropped_in_tick: model.softnet_growth(it, |it| it.dropped),
        squeezed: it.squeezed,
        squeezed_in_tick: model.softnet_growth(it, |it| it.squeezed),
    };
    model.now.softnet.iter().map(row).collect()
}
