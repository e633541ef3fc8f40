//! The rows of `sockets`: every socket, its owners, its queues, and what they mean.

mod row;
mod summary;
mod table;

#[cfg(test)]
mod tests;

use netperf_core::model::query::ProcessQuery;
use netperf_core::sample::Loss;
use netperf_core::sample::socket::{SocketReading, SocketSample, Unseen};
use netperf_core::sample::state_set::StateSet;
use netperf_core::units::Units;
use serde::Serialize;

pub use self::row::{OwnerRow, SocketRow};
pub use self::summary::{Count, Summary};
pub use self::table::{counts, table};
use super::socket_filter::SocketFilter;
use super::time::Rfc3339;
use super::without_filter::WithoutFilter;

/// Options of `sockets`.
#[derive(Clone, Debug)]
pub struct SocketsOptions {
    /// Only sockets in these states.
    pub states: StateSet,
    /// Only sockets whose ends match.
    pub filter: SocketFilter,
    /// Only sockets of these processes.
    pub processes: ProcessQuery,
    /// Show the summary only.
    pub summary_only: bool,
    /// Explain long queues, with sizes in these units.
    pub explain: Option<Units>,
}

/// One snapshot of the sockets.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "sockets")]
pub struct SocketsTick<'s> {
    /// When the sockets were read.
    pub time: Rfc3339,
    /// Seconds since the snapshot before; `None` for the first.
    pub interval_s: Option<f64>,
    /// The sockets, in the kernel's order; empty with `--summary`.
    pub sockets: Vec<SocketRow<'s>>,
    /// Counts by protocol.
    pub summary: Summary,
    /// What there is without the filter, where the filter takes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_filter: Option<WithoutFilter>,
    /// What could not be seen.
    pub unavailable: &'s [Unseen],
    /// Always zero: a snapshot loses nothing. Every tick has this field.
    pub loss: Loss,
}

impl<'s> SocketsTick<'s> {
    /// The sockets of `sample` that the options select.
    pub fn new(
        sample: &'s SocketSample,
        options: &SocketsOptions,
        interval_s: Option<f64>,
    ) -> Self {
        let mut summary = Summary::default();
        let mut sockets = Vec::new();
        for socket in chosen(sample, options) {
            summary.add(socket);
            if !options.summary_only {
                sockets.push(SocketRow::new(sample, socket, options.explain));
            }
        }
        let has_filter = !(options.filter.is_empty() && options.processes.is_empty());
        let is_missed = summary.total == 0 && has_filter;
        let in_states = |socket: &&SocketReading| options.states.contains(socket.state);
        let without_filter =
            is_missed.then(|| WithoutFilter::rows(sample.sockets.iter().filter(in_states).count()));
        summary.namespaces = sample.namespaces.len();
        Self {
            time: Rfc3339(sample.wall),
            interval_s,
            sockets,
            summary,
            without_filter,
            unavailable: &sample.unseen,
            loss: Loss::default(),
        }
    }
}

/// The sockets that the options select.
pub fn chosen<'s>(
    sample: &'s SocketSample,
    options: &SocketsOptions,
) -> impl Iterator<Item = &'s SocketReading> {
    sample.sockets.iter().filter(|socket| {
        options.states.contains(socket.state)
            && options.filter.takes(&socket.ends)
            && options.processes.takes_socket(sample, socket)
    })
}
