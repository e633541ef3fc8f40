//! What do the network namespaces say of TCP as a whole?

use serde::Serialize;

use crate::model::states::{Look, StatesModel};
use crate::sample::network::{NetworkReading, PortRange, TcpCounters, TcpSettings};

/// One network namespace: what it says, and how much its counters have grown in this tick.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetworkRow {
    /// Inode number.
    pub netns: u32,
    /// First and last port for outgoing connections.
    pub port_range: Option<(u16, u16)>,
    /// How many of them are not reserved.
    pub ports: Option<usize>,
    /// Sockets without a process. Of the machine.
    pub orphans: Option<u64>,
    /// Pages of memory. Of the machine.
    pub memory_pages: Option<u64>,
    /// Settings.
    pub settings: TcpSettings,
    /// Counters since the namespace was made.
    pub counters: TcpCounters,
    /// Growth of the counters in this tick; `None` for the first look.
    pub in_tick: Option<TcpCounters>,
}

pub(super) fn rows(model: &StatesModel) -> Vec<NetworkRow> {
    let networks = model.now.networks.iter();
    networks.map(|network| row(model, network)).collect()
}

fn row(model: &StatesModel, network: &NetworkReading) -> NetworkRow {
    let netns = network.netns;
    let grown = |counter: fn(&TcpCounters) -> Option<u64>| {
        let of_look = |look: &Look| counter(&look.network(netns)?.counters);
        model.increase(of_look)
    };
    let in_tick = || TcpCounters {
        listen_overflows: grown(|it| it.listen_overflows),
        listen_drops: grown(|it| it.listen_drops),
        syncookies_sent: grown(|it| it.syncookies_sent),
        syncookies_received: grown(|it| it.syncookies_received),
        syncookies_failed: grown(|it| it.syncookies_failed),
        syn_drops: grown(|it| it.syn_drops),
        time_wait_overflows: grown(|it| it.time_wait_overflows),
        aborts_on_memory: grown(|it| it.aborts_on_memory),
        memory_pressures: grown(|it| it.memory_pressures),
    };
    NetworkRow {
        netns,
        port_range: network
            .ports
            .as_ref()
            .map(|ports| (ports.first, ports.last)),
        ports: network.ports.as_ref().map(PortRange::available),
        orphans: network.usage.orphans,
        memory_pages: network.usage.pages,
        settings: network.settings.clone(),
        counters: network.counters,
        in_tick: model.interval().map(|_| in_tick()),
    }
}
