//! The rows of `latency`: percentiles by process, remote host, and kind of latency.

pub mod row;
pub mod table;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use netperf_core::host_names::HostNames;
use netperf_core::model::Model;
use netperf_core::model::query::ProcessQuery;
use netperf_core::sample::ProcessId;
use netperf_core::sample::latency::{LatencyKind, LatencyReading};
use serde::Serialize;

use self::row::LatencyRow;
use super::tick::{Health, When};
use super::without_filter::WithoutFilter;

/// Options of `latency`.
#[derive(Clone, Debug, Default)]
pub struct LatencyOptions {
    /// Only these processes.
    pub processes: ProcessQuery,
    /// Only hosts of this network.
    pub remote: Option<ipnet::IpNet>,
    /// Largest number of rows.
    pub rows: Option<usize>,
    /// Include histograms.
    pub histogram: bool,
}

/// One tick of `latency`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "latency")]
pub struct LatencyTick<'m> {
    /// When the tick was.
    #[serde(flatten)]
    pub when: When,
    /// By process, remote host and kind, the slowest first.
    pub latencies: Vec<LatencyRow<'m>>,
    /// What there is without the filter, where the filter takes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_filter: Option<WithoutFilter>,
    /// How far to trust it.
    #[serde(flatten)]
    pub health: Health<'m>,
}

impl<'m> LatencyTick<'m> {
    /// The latest tick of the model.
    pub fn new(model: &'m Model, options: &LatencyOptions, names: &dyn HostNames) -> Self {
        let takes = |reading: &&LatencyReading| {
            let remote = options.remote.as_ref();
            options.processes.takes(&reading.process)
                && remote.is_none_or(|hosts| hosts.contains(&reading.remote.to_canonical()))
        };
        let mut rows = BTreeMap::<(ProcessId, IpAddr, LatencyKind), LatencyRow<'m>>::new();
        for reading in model.latencies().iter().filter(takes) {
            let key = (reading.process.id, reading.remote, reading.kind);
            rows.entry(key)
                .or_insert_with(|| LatencyRow::new(reading, names))
                .add(&reading.counts);
        }
        let mut latencies: Vec<_> = rows.into_values().collect();
        let has_filter = !options.processes.is_empty() || options.remote.is_some();
        let without_filter = (latencies.is_empty() && has_filter).then(|| {
            let all = model.latencies().iter();
            let all: BTreeSet<_> = all.map(|it| (it.process.id, it.remote, it.kind)).collect();
            WithoutFilter::rows(all.len())
        });
        latencies.sort_by_key(|row| std::cmp::Reverse((row.times.p50_us, row.times.count)));
        latencies.truncate(options.rows.unwrap_or(usize::MAX));
        Self {
            when: When::of(model),
            latencies,
            without_filter,
            health: Health::of(model),
        }
    }
}
