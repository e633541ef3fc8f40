//! The rows of `states --watch`: transitions between TCP states, one by one and by tick.

pub mod table;
pub mod transition_row;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use netperf_core::model::Model;
use netperf_core::model::churn::{Route, Waits};
use netperf_core::model::states::counts::StateCounts;
use netperf_core::sample::event::{ConnectionEvent, EventKind};
use netperf_core::sample::{Process, ProcessId};
use serde::Serialize;

use super::states::StatesOptions;
use super::tick::{Health, When};

/// Options of `states --watch`.
#[derive(Clone, Debug)]
pub struct ChurnOptions {
    /// Selected connections. A transition matches a state that it leaves or enters.
    pub states: StatesOptions,
    /// Only in this network namespace.
    pub netns: Option<u32>,
    /// Follow one connection in this many.
    pub sample: NonZeroU32,
}

/// One tick of `states --watch`. Rates are for all connections, also where only a sample is followed.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "churn")]
pub struct ChurnTick<'m> {
    /// When the tick was.
    #[serde(flatten)]
    pub when: When,
    /// One connection in this many was followed.
    pub sample: NonZeroU32,
    /// Transitions in this tick, by the state they entered.
    pub counts: StateCounts,
    /// The same per second; `None` if the clock stood still.
    pub per_s: Option<BTreeMap<&'static str, f64>>,
    /// By process, the busiest first.
    pub by_process: Vec<ChurnProcess<'m>>,
    /// TIME_WAIT of outgoing connections by destination, the busiest first.
    pub time_wait: Vec<OutgoingRow<'m>>,
    /// TIME_WAIT of accepted connections by the port that accepted them.
    pub time_wait_accepted: Vec<AcceptedRow<'m>>,
    /// Losses, and the cost of tracing.
    #[serde(flatten)]
    pub health: Health<'m>,
}

/// Transitions of one process's connections.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChurnProcess<'m> {
    /// Process id; 0 where no process is known.
    pub pid: u32,
    /// Process id in the initial pid namespace, where the tracer's has another or none.
    pub host_pid: Option<u32>,
    /// Its name. Untrusted text.
    pub name: &'m str,
    /// Transitions in this tick, by the state they entered.
    pub counts: StateCounts,
    /// The same per second.
    pub per_s: Option<BTreeMap<&'static str, f64>>,
}

/// TIME_WAIT of outgoing connections to one destination.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutgoingRow<'m> {
    /// Local address.
    pub local_addr: IpAddr,
    /// Remote address and port.
    pub remote: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Beginnings and ends of TIME_WAIT, and the processes.
    #[serde(flatten)]
    pub waits: WaitsRow<'m>,
}

/// TIME_WAIT of connections that were accepted at one port.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AcceptedRow<'m> {
    /// Local address and port.
    pub local: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Beginnings and ends of TIME_WAIT, and the processes.
    #[serde(flatten)]
    pub waits: WaitsRow<'m>,
}

/// Beginnings and ends of TIME_WAIT, and the processes of those connections.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WaitsRow<'m> {
    /// Connections per second that enter TIME_WAIT.
    pub begun_per_s: Option<f64>,
    /// Connections per second that leave it.
    pub ended_per_s: Option<f64>,
    /// Ids of the processes.
    pub pids: Vec<u32>,
    /// Names of the same processes. Untrusted text.
    pub names: Vec<&'m str>,
}

impl<'m> ChurnTick<'m> {
    /// The latest tick of the model.
    pub fn new(model: &'m Model, options: &ChurnOptions) -> Self {
        let churn = model.churn();
        let rates = Rates::of(model, options);
        let mut by_process: Vec<_> = churn
            .processes
            .values()
            .map(|(process, counts)| ChurnProcess {
                pid: process.id.tgid,
                host_pid: process.host_tgid,
                name: &process.name,
                counts: *counts,
                per_s: rates.of_counts(counts),
            })
            .collect();
        by_process.sort_by_key(|row| (std::cmp::Reverse(row.counts.total()), row.pid));
        let mut waits: Vec<_> = churn.time_wait.iter().collect();
        waits.sort_by_key(|(_, waits)| std::cmp::Reverse(waits.begun + waits.ended));
        let (mut outgoing, mut accepted) = (Vec::new(), Vec::new());
        for (route, waits) in waits {
            let waits = rates.of_waits(model, waits);
            match *route {
                Route::To {
                    netns,
                    local,
                    remote,
                } => outgoing.push(OutgoingRow {
                    local_addr: local,
                    remote,
                    netns,
                    waits,
                }),
                Route::At { netns, local } => accepted.push(AcceptedRow {
                    local,
                    netns,
                    waits,
                }),
            }
        }
        Self {
            when: When::of(model),
            sample: options.sample,
            counts: churn.counts,
            per_s: rates.of_counts(&churn.counts),
            by_process,
            time_wait: outgoing,
            time_wait_accepted: accepted,
            health: Health::of(model),
        }
    }
}

/// Scales counts of a sample to rates of all connections.
struct Rates {
    /// Seconds of the tick for each connection that stands for others.
    seconds: Option<f64>,
}

impl Rates {
    fn of(model: &Model, options: &ChurnOptions) -> Self {
        let length = model.span().length();
        let share = f64::from(options.sample.get());
        Self {
            seconds: length.map(|length| length.as_secs_f64() / share),
        }
    }

    fn of_counts(&self, counts: &StateCounts) -> Option<BTreeMap<&'static str, f64>> {
        Some(counts.growth_since(&StateCounts::default(), self.seconds?))
    }

    fn of_waits<'m>(&self, model: &'m Model, waits: &Waits) -> WaitsRow<'m> {
        let per_s = |count: u32| self.seconds.map(|seconds| f64::from(count) / seconds);
        let known = |id: &ProcessId| -> Option<&'m Process> {
            Some(model.churn().processes.get(id)?.0.as_ref())
        };
        let processes = waits.processes.iter().filter_map(known);
        let (pids, names) = processes
            .map(|process| (process.id.tgid, process.name.as_str()))
            .unzip();
        WaitsRow {
            begun_per_s: per_s(waits.begun),
            ended_per_s: per_s(waits.ended),
            pids,
            names,
        }
    }
}

impl ChurnOptions {
    /// Whether `event` is a transition that the options select.
    pub fn wants(&self, event: &ConnectionEvent) -> bool {
        let EventKind::Transition(transition) = event.what else {
            return false;
        };
        let ends = (event.local, event.remote);
        self.netns.is_none_or(|netns| netns == event.netns)
            && self.states.takes_transition(transition.old, transition.new)
            && self.states.takes_ends(ends)
            && self.states.processes.takes(&event.process)
    }
}
