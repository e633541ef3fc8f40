//! The rows of `states`: sockets by TCP state, process and remote host, and findings.

pub mod table;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use netperf_core::model::states::StatesModel;
use netperf_core::model::states::counts::StateCounts;
use netperf_core::model::states::figures::StatesFigures;
pub use netperf_core::model::states::figures::{
    AcceptedRow, CloseWaitRow, ListenRow, PortsRow, ProcessRow, RefusedRow, RemoteRow,
    StatesOptions,
};
use netperf_core::model::states::figures::{ClosingRow, NetworkRow};
use netperf_core::sample::Loss;
use netperf_core::sample::socket::Unseen;
use netperf_diagnose::{Finding, Period, states};
use serde::Serialize;

use super::time::Rfc3339;
use super::without_filter::WithoutFilter;

/// One snapshot of the states of all TCP sockets.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "states")]
pub struct StatesTick<'m> {
    /// When it was taken.
    pub time: Rfc3339,
    /// Seconds since the snapshot before; `None` for the first.
    pub interval_s: Option<f64>,
    /// Sockets by state.
    pub counts: StateCounts,
    /// Change per second by state, for states that changed.
    pub growth_per_s: Option<BTreeMap<&'static str, f64>>,
    /// By process, those with the most first. A socket that several hold counts for each of them.
    pub by_process: Vec<ProcessRow<'m>>,
    /// By remote host, those with the most first.
    pub by_remote: Vec<RemoteRow>,
    /// Ports of outgoing connections by destination, the fullest first.
    pub time_wait: Vec<PortsRow<'m>>,
    /// TIME_WAIT of accepted connections by listening port: these take up no port.
    pub time_wait_accepted: Vec<AcceptedRow<'m>>,
    /// Connections that the other end has closed and the process has not.
    pub close_wait: Vec<CloseWaitRow<'m>>,
    /// Queues of listening sockets.
    pub listen: Vec<ListenRow<'m>>,
    /// Connections that this end closes, by state.
    pub closing: Vec<ClosingRow>,
    /// Calls that failed because no port or address was free, counted between snapshots.
    pub refused: Vec<RefusedRow<'m>>,
    /// Settings and counters of each network namespace.
    pub networks: Vec<NetworkRow>,
    /// Files that set `tcp_tw_recycle`.
    pub recycle_set_in: &'m [String],
    /// Findings, the worst first.
    pub findings: Vec<Finding>,
    /// Number of network namespaces in view.
    pub namespaces: usize,
    /// How many sockets there are without the filter, where the filter takes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_filter: Option<WithoutFilter>,
    /// What could not be seen.
    pub unavailable: &'m [Unseen],
    /// Events that could not be counted between snapshots. A snapshot itself loses nothing.
    pub loss: Loss,
}

impl<'m> StatesTick<'m> {
    /// The latest snapshot of the model.
    pub fn new(model: &'m StatesModel, options: &StatesOptions) -> Self {
        let look = &model.now;
        let figures = StatesFigures::new(model, options);
        let findings = states::findings(&figures, model, Period::Tick);
        Self {
            time: Rfc3339(look.wall),
            interval_s: figures.interval_s,
            counts: figures.counts,
            growth_per_s: figures.growth_per_s,
            by_process: figures.by_process,
            by_remote: figures.by_remote,
            time_wait: figures.time_wait,
            time_wait_accepted: figures.time_wait_accepted,
            close_wait: figures.close_wait,
            listen: figures.listen,
            closing: figures.closing,
            refused: figures.refused,
            networks: figures.networks,
            recycle_set_in: figures.recycle_set_in,
            findings,
            namespaces: look.namespaces,
            without_filter: None,
            unavailable: &look.unseen,
            loss: model.refused.loss,
        }
    }
}
