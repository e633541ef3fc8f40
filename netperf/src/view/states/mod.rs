//! Which states are the sockets in, whose are they, and is that a problem? The rows of `states`.

mod close_wait_row;
mod counts_row;
pub mod findings;
mod listen_row;
mod network_row;
mod ports_row;
mod refused_row;
pub mod table;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ipnet::IpNet;
use netperf_core::model::states::StatesModel;
use netperf_core::model::states::counts::StateCounts;
use netperf_core::sample::socket::{Ends, SocketReading, SocketSample, Unseen};
use netperf_core::sample::state_set::StateSet;
use netperf_core::sample::{Loss, Process, TcpState};
use serde::Serialize;

pub use self::close_wait_row::{CloseWaitRow, PeerRow};
pub use self::counts_row::{ClosingRow, ProcessRow, RemoteRow};
pub use self::findings::{Finding, Level};
pub use self::listen_row::ListenRow;
pub use self::network_row::NetworkRow;
pub use self::ports_row::{AcceptedRow, PortsRow};
pub use self::refused_row::{PortHolderRow, RefusedRow};
use super::query::ProcessQuery;
use super::sockets::is_held_by;
use super::time::Rfc3339;

/// What `states` is asked to show.
#[derive(Clone, Debug)]
pub struct StatesOptions {
    /// In which states.
    pub states: StateSet,
    /// Either end has this port.
    pub port: Option<u16>,
    /// The other end is in this network.
    pub remote: Option<IpNet>,
    /// Only what belongs to these processes.
    pub processes: ProcessQuery,
}

/// One look at the states of all TCP sockets.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename = "states")]
pub struct StatesTick<'m> {
    /// When it was.
    pub time: Rfc3339,
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
    /// What it means, the worst first.
    pub findings: Vec<Finding>,
    /// Network namespaces that were looked at.
    pub namespaces: usize,
    /// What could not be seen.
    pub unavailable: &'m [Unseen],
    /// What could not be counted between the looks. A look itself loses nothing.
    pub loss: Loss,
}

/// A process by number and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Named<'m> {
    /// Process id.
    pub pid: u32,
    /// Its name. Untrusted text.
    pub name: &'m str,
}

impl<'m> StatesTick<'m> {
    /// What the latest look found.
    pub fn new(model: &'m StatesModel, options: &StatesOptions) -> Self {
        let look = &model.now;
        let before = model.before.as_ref();
        let growth = before.map(|(length, before)| {
            let seconds = length.as_secs_f64();
            look.census
                .counts
                .growth_since(&before.census.counts, seconds)
        });
        let mut tick = Self {
            time: Rfc3339(look.wall),
            interval_s: model.interval().map(|length| length.as_secs_f64()),
            counts: look.census.counts,
            growth_per_s: growth,
            by_process: counts_row::processes(model, options),
            by_remote: counts_row::remotes(model),
            time_wait: ports_row::rows(model, options),
            time_wait_accepted: ports_row::accepted(model, options),
            close_wait: close_wait_row::rows(model, options),
            listen: listen_row::rows(model, options),
            closing: counts_row::closing(model),
            refused: refused_row::rows(model, options),
            networks: network_row::rows(model),
            recycle_set_in: &look.recycle_set_in,
            findings: Vec::new(),
            namespaces: look.namespaces,
            unavailable: &look.unseen,
            loss: model.refused.loss,
        };
        tick.findings = findings::of(&tick, model);
        tick
    }
}

impl StatesOptions {
    /// Whether a socket is to be counted.
    pub fn takes(&self, sample: &SocketSample, socket: &SocketReading) -> bool {
        let Ends::Inet(ends) = &socket.ends else {
            return false;
        };
        self.states.contains(socket.state)
            && self.takes_ends((ends.local, ends.remote))
            && (self.processes.is_empty() || is_held_by(&self.processes, sample, socket))
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

    fn is_remote(&self, remote: std::net::IpAddr) -> bool {
        self.remote.is_none_or(|network| network.contains(&remote))
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
