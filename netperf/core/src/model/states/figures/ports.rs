//! How many ports are left for connections to a destination?

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::{Named, StatesOptions};
use crate::model::states::StatesModel;
use crate::model::states::ports::{Destination, PortUse, TIME_WAIT_SECS};
use crate::sample::TcpState;

/// Ports of outgoing connections to one destination.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PortsRow<'m> {
    /// Address on this host.
    pub local_addr: IpAddr,
    /// Address and port of the other host.
    pub remote: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Connections in TIME_WAIT.
    pub time_wait: u32,
    /// Ports of the range that are taken, TIME_WAIT included.
    pub in_use: u32,
    /// Ports that the kernel gives to outgoing connections; `None` where that could not be read.
    pub ports: Option<u32>,
    /// Those that are not taken.
    pub headroom: Option<u32>,
    /// Change of `in_use` per second.
    pub growth_per_s: Option<f64>,
    /// Seconds until none is left; `None` if it does not come to that as things go.
    pub exhausted_in_s: Option<f64>,
    /// Connections that came into TIME_WAIT per second, over the last 5 seconds.
    pub made_per_s: f64,
    /// Who makes them, as far as that can be inferred: TIME_WAIT has no owner.
    pub likely: Vec<Likely<'m>>,
}

/// TIME_WAIT of connections that were accepted at one end.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AcceptedRow<'m> {
    /// Address and port on this host.
    pub local: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Connections in TIME_WAIT.
    pub time_wait: u32,
    /// Who accepted them, as far as that can be inferred.
    pub likely: Vec<Likely<'m>>,
}

/// A process that connections are likely to be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Likely<'m> {
    /// The process.
    #[serde(flatten)]
    pub process: Named<'m>,
    /// Why that is likely.
    pub because: &'static str,
}

impl PortsRow<'_> {
    /// The part of the ports that is taken.
    pub fn share(&self) -> Option<f64> {
        let ports = self.ports.filter(|&ports| ports > 0)?;
        Some(f64::from(self.in_use) / f64::from(ports))
    }
}

pub(super) fn rows<'m>(model: &'m StatesModel, options: &StatesOptions) -> Vec<PortsRow<'m>> {
    if !options.shows(TcpState::TimeWait) {
        return Vec::new();
    }
    let networks = model.now.networks.iter();
    let available: HashMap<u32, u32> = networks
        .filter_map(|it| {
            let ports = it.ports.as_ref()?.available();
            Some((it.netns, u32::try_from(ports).ok()?))
        })
        .collect();
    let all = model.now.census.ports.destinations.iter();
    let wanted = all.filter(|(destination, used)| {
        let remote = destination.remote;
        options.port.is_none_or(|port| remote.port() == port)
            && options.is_remote(remote.ip())
            && options.takes_any(used.makers.iter().map(AsRef::as_ref))
    });
    let mut rows: Vec<_> = wanted
        .map(|(destination, used)| {
            let ports = available.get(&destination.netns).copied();
            row(model, *destination, used, ports)
        })
        .collect();
    rows.sort_by(|a, b| {
        let share = |row: &PortsRow<'_>| row.share().unwrap_or(0.0);
        share(b)
            .total_cmp(&share(a))
            .then_with(|| b.time_wait.cmp(&a.time_wait))
            .then_with(|| (a.netns, a.remote, a.local_addr).cmp(&(b.netns, b.remote, b.local_addr)))
    });
    rows
}

fn row<'m>(
    model: &'m StatesModel,
    destination: Destination,
    used: &'m PortUse,
    ports: Option<u32>,
) -> PortsRow<'m> {
    let growth = |figure: fn(&PortUse) -> u32| {
        model.growth_per_s(|look| {
            let used = look.census.ports.destinations.get(&destination);
            used.map_or(0, figure)
        })
    };
    let headroom = ports.map(|ports| ports.saturating_sub(used.in_use));
    let growth_per_s = growth(|used| used.in_use);
    let outlook = Outlook {
        used,
        growth: growth_per_s,
        time_wait_growth: growth(|used| used.time_wait),
    };
    PortsRow {
        local_addr: destination.local,
        remote: destination.remote,
        netns: destination.netns,
        time_wait: used.time_wait,
        in_use: used.in_use,
        ports,
        headroom,
        growth_per_s,
        exhausted_in_s: headroom.and_then(|headroom| outlook.exhausted_in_s(headroom)),
        made_per_s: used.made_per_s(),
        likely: likely(used),
    }
}

/// How it goes on.
struct Outlook<'u> {
    used: &'u PortUse,
    growth: Option<f64>,
    time_wait_growth: Option<f64>,
}

impl Outlook<'_> {
    fn exhausted_in_s(&self, headroom: u32) -> Option<f64> {
        if headroom == 0 {
            return Some(0.0);
        }
        let growth = self.growth.filter(|&growth| growth > 0.0)?;
        let of_time_wait = self.time_wait_growth.unwrap_or(0.0);
        // After 60 s as many leave TIME_WAIT as come into it: it grows no further than that.
        let made = self.used.made_per_s().max(of_time_wait);
        let level = made * f64::from(TIME_WAIT_SECS);
        let room = f64::from(self.used.time_wait) + f64::from(headroom);
        let levels_off = of_time_wait > growth / 2.0 && level <= room;
        (!levels_off).then(|| f64::from(headroom) / growth)
    }
}

fn likely(used: &PortUse) -> Vec<Likely<'_>> {
    let because = if used.makers_are_gone {
        "had connections to this destination at an earlier look"
    } else {
        "has connections to this destination now"
    };
    let makers = used.makers.iter();
    makers
        .map(|process| Likely {
            process: Named::of(process),
            because,
        })
        .collect()
}

pub(super) fn accepted<'m>(
    model: &'m StatesModel,
    options: &StatesOptions,
) -> Vec<AcceptedRow<'m>> {
    if !options.shows(TcpState::TimeWait) || options.remote.is_some() {
        return Vec::new();
    }
    let census = &model.now.census;
    let row = |(&(netns, local), &time_wait): (&(u32, SocketAddr), &u32)| {
        let acceptors = census.acceptors(netns, local);
        let wanted = options.port.is_none_or(|port| local.port() == port)
            && options.takes_any(acceptors.iter().map(AsRef::as_ref));
        wanted.then(|| AcceptedRow {
            local,
            netns,
            time_wait,
            likely: acceptors
                .iter()
                .map(|process| Likely {
                    process: Named::of(process),
                    because: "listens on this port",
                })
                .collect(),
        })
    };
    let mut rows: Vec<_> = census.ports.accepted.iter().filter_map(row).collect();
    rows.sort_by_key(|row| (Reverse(row.time_wait), row.netns, row.local));
    rows
}
