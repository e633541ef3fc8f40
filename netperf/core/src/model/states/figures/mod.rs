//! Which states are the sockets in, and whose are they? The figures of `states`, as the JSON has them.

pub mod close_wait;
pub mod counts;
pub mod listen;
pub mod network;
pub mod ports;
pub mod refused;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::Serialize;

pub use self::close_wait::{CloseWaitRow, PeerRow};
pub use self::counts::{ClosingRow, ProcessRow, RemoteRow};
pub use self::listen::ListenRow;
pub use self::network::NetworkRow;
pub use self::ports::{AcceptedRow, Likely, PortsRow};
pub use self::refused::{PortHolderRow, RefusedRow};
use super::StatesModel;
use super::counts::StateCounts;
use crate::model::query::ProcessQuery;
use crate::sample::socket::{Ends, SocketReading, SocketSample};
use crate::sample::state_set::StateSet;
use crate::sample::{Process, TcpState};

/// Which sockets are counted.
#[derive(Clone, Debug)]
pub struct StatesOptions {
    /// States to count.
    pub states: StateSet,
    /// Either end has this port.
    pub port: Option<u16>,
    /// The other end is in this network.
    pub remote: Option<IpNet>,
    /// Processes to count.
    pub processes: ProcessQuery,
}

/// The figures of one look at the states of all TCP sockets.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatesFigures<'m> {
    /// Seconds since the look before; `None` for the first.
    pub interval_s: Option<f64>,
    /// How many are in each state.
    pub counts: StateCounts,
    /// Change per second by state, where there was any.
    pub growth_per_s: Option<BTreeMap<&'static str, f64>>,
    /// By process, those with the most first. What several hold counts for each of them.
    pub by_process: Vec<ProcessRow<'m>>,
    /// By remote host, those with the most first.
    pub by_remote: Vec<RemoteRow>,
    /// Ports of outgoing connections by destination, the fullest first.
    pub time_wait: Vec<PortsRow<'m>>,
    /// TIME_WAIT of accepted connections by the port that accepted them: it takes up no port.
    pub time_wait_accepted: Vec<AcceptedRow<'m>>,
    /// Connections that the other end has closed and the process has not.
    pub close_wait: Vec<CloseWaitRow<'m>>,
    /// Queues of listening sockets.
    pub listen: Vec<ListenRow<'m>>,
    /// Connections that this end closes, by state.
    pub closing: Vec<ClosingRow>,
    /// Calls that failed for want of a port or an address, as they were counted between the looks.
    pub refused: Vec<RefusedRow<'m>>,
    /// Settings and counters of each network namespace.
    pub networks: Vec<NetworkRow>,
    /// Files that set `tcp_tw_recycle`.
    pub recycle_set_in: &'m [String],
}

/// A process by number and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Named<'m> {
    /// Process id.
    pub pid: u32,
    /// Its name. Untrusted text.
    pub name: &'m str,
}

impl<'m> StatesFigures<'m> {
    /// What the latest look found.
    pub fn new(model: &'m StatesModel, options: &StatesOptions) -> Self {
        let look = &model.now;
        let growth = model.before.as_ref().map(|(length, before)| {
            let seconds = length.as_secs_f64();
            look.census
                .counts
                .growth_since(&before.census.counts, seconds)
        });
        Self {
            interval_s: model.interval().map(|length| length.as_secs_f64()),
            counts: look.census.counts,
            growth_per_s: growth,
            by_process: counts::processes(model, options),
            by_remote: counts::remotes(model),
            time_wait: ports::rows(model, options),
            time_wait_accepted: ports::accepted(model, options),
            close_wait: close_wait::rows(model, options),
            listen: listen::rows(model, options),
            closing: counts::closing(model),
            refused: refused::rows(model, options),
            networks: network::rows(model),
            recycle_set_in: &look.recycle_set_in,
        }
    }
}

impl StatesOptions {
    /// Every socket.
    pub fn all() -> Self {
        Self {
            states: StateSet::ALL,
            port: None,
            remote: None,
            processes: ProcessQuery::default(),
        }
    }

    /// Whether some sockets may be left out.
    pub fn has_filter(&self) -> bool {
        self.states != StateSet::ALL
            || self.port.is_some()
            || self.remote.is_some()
            || !self.processes.is_empty()
    }

    /// Whether a socket is to be counted.
    pub fn takes(&self, sample: &SocketSample, socket: &SocketReading) -> bool {
        let Ends::Inet(ends) = &socket.ends else {
            return false;
        };
        self.states.contains(socket.state)
            && self.takes_ends((ends.local, ends.remote))
            && self.processes.takes_socket(sample, socket)
    }

    /// Whether connections between these ends are wanted, this host's first.
    pub fn takes_ends(&self, (local, remote): (SocketAddr, SocketAddr)) -> bool {
        let ports = [local.port(), remote.port()];
        self.port.is_none_or(|port| ports.contains(&port)) && self.is_remote(remote.ip())
    }

    /// Whether a transition is wanted: one of its states is.
    pub fn takes_transition(&self, old: TcpState, new: TcpState) -> bool {
        self.states.contains(old) || self.states.contains(new)
    }

    fn is_remote(&self, remote: IpAddr) -> bool {
        self.remote
            .is_none_or(|network| network.contains(&remote.to_canonical()))
    }

    fn shows(&self, state: TcpState) -> bool {
        self.states.contains(state)
    }

    /// Whether one of these processes is wanted.
    fn takes_any<'p>(&self, mut processes: impl Iterator<Item = &'p Process>) -> bool {
        self.processes.is_empty() || processes.any(|process| self.processes.takes(process))
    }
}

impl<'m> Named<'m> {
    fn of(process: &'m Process) -> Self {
        Self {
            pid: process.id.tgid,
            name: &process.name,
        }
    }
}
