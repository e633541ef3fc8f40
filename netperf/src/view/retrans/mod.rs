//! The rows of `retrans`: retransmissions, resets and drops, with their processes and causes.

pub mod event;
pub mod row;
pub mod table;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use netperf_core::host_names::HostNames;
use netperf_core::model::Model;
use netperf_core::model::losses::Account;
use netperf_core::model::query::{FlowQuery, ProcessQuery};
use netperf_core::sample::event::ConnectionEvent;
use netperf_core::sample::{ProcessId, Proto};
use serde::Serialize;

use self::row::{DropRow, LossyFlow, LossyProcess, LossyRemote, ResetRow};
use super::sort::{Sort, arrange};
use super::tick::{Health, When};
use super::without_filter::WithoutFilter;

/// Options of `retrans`.
#[derive(Clone, Debug, Default)]
pub struct RetransOptions {
    /// Only connections of these processes.
    pub processes: ProcessQuery,
    /// Only these of their connections.
    pub flows: FlowQuery,
    /// The order of the rows.
    pub sort: Sort,
    /// Largest number of rows of each kind.
    pub rows: Option<usize>,
    /// Report each retransmission as it happens.
    pub watch: bool,
}

impl RetransOptions {
    /// Whether `event` is a retransmission that the options select.
    pub fn wants(&self, event: &ConnectionEvent, model: &Model) -> bool {
        let ends = (event.local, event.remote);
        self.flows.takes_ends(Proto::Tcp, ends, model) && self.processes.takes(&event.process)
    }
}

/// One tick of `retrans`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "retrans")]
pub struct RetransTick<'m> {
    /// When the tick was.
    #[serde(flatten)]
    pub when: When,
    /// Connections with retransmissions.
    pub flows: Vec<LossyFlow<'m>>,
    /// Processes with retransmissions.
    pub processes: Vec<LossyProcess<'m>>,
    /// Remote hosts with retransmissions.
    pub remotes: Vec<LossyRemote<'m>>,
    /// Resets sent and received.
    pub resets: Vec<ResetRow<'m>>,
    /// Packets that the kernel dropped.
    pub drops: Vec<DropRow<'m>>,
    /// Sum of the selected connections, including those beyond the row limit.
    pub total: TotalLoss,
    /// What there is without the filter, where the filter takes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_filter: Option<WithoutFilter>,
    /// How far to trust it.
    #[serde(flatten)]
    pub health: Health<'m>,
}

/// The sum of all selected connections.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TotalLoss {
    /// Segments retransmitted in this tick.
    pub retrans: u64,
    /// Their share of the segments sent, and the causes.
    #[serde(flatten)]
    pub account: Account,
    /// Resets that this host sent.
    pub resets_sent: u64,
    /// Resets that this host received.
    pub resets_received: u64,
    /// Packets that the kernel dropped.
    pub dropped: u64,
}

impl<'m> RetransTick<'m> {
    /// The latest tick of the model.
    pub fn new(model: &'m Model, options: &RetransOptions, names: &dyn HostNames) -> Self {
        let takes = |reading| options.flows.takes(reading, &options.processes, model);
        let mut all = Sums::default();
        for flow in model.flows().iter().filter(|flow| takes(&flow.reading)) {
            all.add(model, flow, names);
        }
        let mut resets = ResetRow::all(model, options);
        let mut drops = DropRow::all(model, options);
        let sum = |received| {
            let counts = resets.iter().filter(|row| row.is_received() == received);
            counts.map(|row| row.count).sum()
        };
        let total = TotalLoss {
            retrans: all.total.retrans,
            account: all.total,
            resets_sent: sum(false),
            resets_received: sum(true),
            dropped: drops.iter().map(|row| row.packets).sum(),
        };
        let keep = options.rows.unwrap_or(usize::MAX);
        resets.truncate(keep);
        drops.truncate(keep);
        let (flows, processes, remotes) = all.into_rows(model, options);
        let has_filter = !(options.flows.is_empty() && options.processes.is_empty());
        let is_missed = flows.is_empty() && resets.is_empty() && drops.is_empty() && has_filter;
        let without_filter =
            is_missed.then(|| WithoutFilter::rows(rows_in_all(model, options, names)));
        Self {
            when: When::of(model),
            flows,
            processes,
            remotes,
            resets,
            drops,
            total,
            without_filter,
            health: Health::of(model),
        }
    }
}

/// How many connections sent something again, were reset or lost packets, whoever they belong to.
fn rows_in_all(model: &Model, options: &RetransOptions, names: &dyn HostNames) -> usize {
    let every = RetransOptions {
        processes: ProcessQuery::default(),
        flows: FlowQuery::default(),
        rows: None,
        ..options.clone()
    };
    let all = RetransTick::new(model, &every, names);
    all.flows.len() + all.resets.len() + all.drops.len()
}

/// Losses put together in several ways.
#[derive(Default)]
struct Sums<'m> {
    flows: Vec<LossyFlow<'m>>,
    processes: HashMap<ProcessId, Account>,
    remotes: BTreeMap<std::net::IpAddr, LossyRemote<'m>>,
    total: Account,
}

impl<'m> Sums<'m> {
    fn add(
        &mut self,
        model: &Model,
        flow: &'m netperf_core::model::flow::FlowTraffic,
        names: &dyn HostNames,
    ) {
        let account = Account::of(flow);
        self.total += account;
        *self.processes.entry(flow.reading.id.process).or_default() += account;
        let remote = flow.reading.remote.ip();
        self.remotes
            .entry(remote)
            .or_insert_with(|| LossyRemote::new(remote, names))
            .add(flow, account);
        if account.lost_anything() {
            self.flows.push(LossyFlow::new(model, flow, account, names));
        }
    }

    fn into_rows(
        self,
        model: &'m Model,
        options: &RetransOptions,
    ) -> (
        Vec<LossyFlow<'m>>,
        Vec<LossyProcess<'m>>,
        Vec<LossyRemote<'m>>,
    ) {
        let mut flows = self.flows;
        let processes = self.processes.into_iter();
        let mut processes: Vec<_> = processes
            .filter(|(_, account)| account.lost_anything())
            .filter_map(|(id, account)| LossyProcess::new(model, id, account))
            .collect();
        let remotes = self.remotes.into_values();
        let mut remotes: Vec<_> = remotes.filter(|row| row.account.lost_anything()).collect();
        arrange(&mut flows, options.sort, options.rows);
        arrange(&mut processes, options.sort, options.rows);
        arrange(&mut remotes, options.sort, options.rows);
        (flows, processes, remotes)
    }
}
