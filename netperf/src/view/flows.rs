//! The rows of `flows`: what each connection moves, one by one or by remote host.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use netperf_core::host_names::HostNames;
use netperf_core::model::Model;
use netperf_core::model::query::{FlowQuery, ProcessQuery};
use netperf_core::model::traffic::Traffic;
use netperf_core::sample::ProcessId;
use serde::Serialize;

use super::flow_row::{FlowRow, Speeds};
use super::link_row::LinkRow;
use super::sort::{Figures, Ranked, Sort, Weight, arrange};
use super::tick::{Health, When};
use super::top::TotalRow;
use super::without_filter::WithoutFilter;

/// Options of `flows`.
#[derive(Clone, Debug, Default)]
pub struct FlowsOptions {
    /// Only flows of these processes.
    pub processes: ProcessQuery,
    /// Only these of their flows.
    pub flows: FlowQuery,
    /// The order of the rows.
    pub sort: Sort,
    /// Largest number of rows.
    pub rows: Option<usize>,
    /// One row for each remote host.
    pub by_remote: bool,
}

/// One tick of `flows`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "flows")]
pub struct FlowsTick<'m> {
    /// When the tick was.
    #[serde(flatten)]
    pub when: When,
    /// Flows with traffic in the last 40 seconds, sorted.
    pub flows: Vec<FlowRow<'m>>,
    /// The same by remote host, with `--by remote`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remotes: Option<Vec<RemoteRow<'m>>>,
    /// Sum of the selected flows, including those beyond the row limit.
    pub total: TotalRow,
    /// Traffic of every interface.
    pub interfaces: Vec<LinkRow<'m>>,
    /// What there is without the filter, where the filter takes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_filter: Option<WithoutFilter>,
    /// How far to trust it.
    #[serde(flatten)]
    pub health: Health<'m>,
}

/// All flows with one remote host.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RemoteRow<'m> {
    /// Address of the host; unspecified for sockets that are not connected.
    pub remote: IpAddr,
    /// Name of the host, with `--resolve`. Untrusted text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_host: Option<Arc<str>>,
    /// Number of flows.
    pub flows: usize,
    /// Names of the processes that talk with it. Untrusted text.
    pub names: BTreeSet<&'m str>,
    /// Ids of these processes.
    pub pids: BTreeSet<u32>,
    /// Bytes sent in this tick.
    pub tx_bytes: u64,
    /// Bytes received in this tick.
    pub rx_bytes: u64,
    /// Speeds over the tick and over longer windows.
    #[serde(flatten)]
    pub speeds: Speeds,
    /// Bytes sent since start, by flows still listed.
    pub tx_total: u64,
    /// Bytes received since start, by flows still listed.
    pub rx_total: u64,
    /// Segments retransmitted in this tick.
    pub retrans: u64,
}

impl<'m> FlowsTick<'m> {
    /// The latest tick of the model.
    pub fn new(model: &'m Model, options: &FlowsOptions, names: &dyn HostNames) -> Self {
        let takes = |reading| options.flows.takes(reading, &options.processes, model);
        let mut sum = Traffic::default();
        let mut rows = Vec::new();
        for flow in model.flows().iter().filter(|flow| takes(&flow.reading)) {
            sum += flow.moved.unwrap_or_default();
            rows.push(FlowRow::of(model, flow, names));
        }
        let has_filter = !(options.flows.is_empty() && options.processes.is_empty());
        let without_filter = (rows.is_empty() && has_filter).then(|| {
            let mut all = Traffic::default();
            for flow in model.flows().iter() {
                all += flow.moved.unwrap_or_default();
            }
            WithoutFilter::moved(model.flows().iter().count(), all)
        });
        let remotes = options.by_remote.then(|| {
            let mut remotes = by_remote(&rows);
            arrange(&mut remotes, options.sort, options.rows);
            remotes
        });
        arrange(&mut rows, options.sort, options.rows);
        Self {
            when: When::of(model),
            flows: rows,
            remotes,
            total: TotalRow::new(sum, model),
            interfaces: LinkRow::all(model),
            without_filter,
            health: Health::of(model),
        }
    }
}

/// The flows of one process with traffic in the last 40 seconds, in order.
pub fn of_process<'m>(
    model: &'m Model,
    id: ProcessId,
    sort: Sort,
    names: &dyn HostNames,
) -> Vec<FlowRow<'m>> {
    let its = model
        .flows()
        .iter()
        .filter(|flow| flow.reading.id.process == id);
    let mut rows = its.map(|flow| FlowRow::of(model, flow, names)).collect();
    arrange(&mut rows, sort, None);
    rows
}

fn by_remote<'m>(flows: &[FlowRow<'m>]) -> Vec<RemoteRow<'m>> {
    let mut remotes = BTreeMap::new();
    for flow in flows {
        let address = flow.remote.ip();
        remotes
            .entry(address)
            .or_insert_with(|| RemoteRow::new(flow))
            .add(flow);
    }
    remotes.into_values().collect()
}

impl<'m> RemoteRow<'m> {
    fn new(first: &FlowRow<'m>) -> Self {
        Self {
            remote: first.remote.ip(),
            remote_host: first.remote_host.clone(),
            flows: 0,
            names: BTreeSet::new(),
            pids: BTreeSet::new(),
            tx_bytes: 0,
            rx_bytes: 0,
            speeds: Speeds::default(),
            tx_total: 0,
            rx_total: 0,
            retrans: 0,
        }
    }

    fn add(&mut self, flow: &FlowRow<'m>) {
        self.flows += 1;
        self.names.insert(flow.name);
        self.pids.insert(flow.pid);
        self.tx_bytes += flow.tx_bytes.unwrap_or(0);
        self.rx_bytes += flow.rx_bytes.unwrap_or(0);
        self.speeds += flow.speeds;
        self.tx_total += flow.tx_total;
        self.rx_total += flow.rx_total;
        self.retrans += u64::from(flow.retrans.unwrap_or(0));
    }
}

impl Ranked for RemoteRow<'_> {
    fn weight(&self, figures: Figures) -> Weight {
        let (tx_bytes, rx_bytes) = match figures {
            Figures::Rates => (self.tx_bytes, self.rx_bytes),
            Figures::Totals => (self.tx_total, self.rx_total),
        };
        Weight {
            tx_bytes,
            rx_bytes,
            retrans: self.retrans,
        }
    }

    fn pid(&self) -> u32 {
        self.pids.first().copied().unwrap_or(0)
    }

    fn name(&self) -> &str {
        self.names.first().copied().unwrap_or_default()
    }

    fn tie(&self, other: &Self) -> Ordering {
        self.remote.cmp(&other.remote)
    }
}
