//! The rows of `top`: what each process moves.

use std::collections::HashMap;

use netperf_core::host_names::HostNames;
use netperf_core::model::Model;
use netperf_core::model::flow::FlowTraffic;
use netperf_core::model::process::ProcessTraffic;
use netperf_core::model::query::ProcessQuery;
use netperf_core::model::traffic::Traffic;
use netperf_core::sample::ProcessId;
use serde::Serialize;

use super::flow_row::FlowRow;
use super::link_row::LinkRow;
use super::process_row::ProcessRow;
use super::sort::{Sort, arrange};
use super::tick::{Health, When};
use super::without_filter::WithoutFilter;

/// Options of `top`.
#[derive(Clone, Debug, Default)]
pub struct TopOptions {
    /// Only these processes.
    pub processes: ProcessQuery,
    /// The order of the rows.
    pub sort: Sort,
    /// Largest number of rows.
    pub rows: Option<usize>,
    /// Include the connections of each process.
    pub connections: bool,
    /// Include processes that moved nothing in this tick.
    pub idle: bool,
}

/// One tick of `top`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "top")]
pub struct Top<'m> {
    /// When the tick was.
    #[serde(flatten)]
    pub when: When,
    /// The processes, sorted.
    pub processes: Vec<ProcessRow<'m>>,
    /// Sum of the selected processes, including those beyond the row limit.
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

/// The sum of all selected rows.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TotalRow {
    /// Bytes sent in this tick.
    pub tx_bytes: u64,
    /// Bytes received in this tick.
    pub rx_bytes: u64,
    /// Bytes sent per second in this tick.
    pub tx_bytes_per_s: Option<u64>,
    /// Bytes received per second in this tick.
    pub rx_bytes_per_s: Option<u64>,
}

impl<'m> Top<'m> {
    /// The latest tick of the model.
    pub fn new(model: &'m Model, options: &TopOptions, names: &dyn HostNames) -> Self {
        let mut rows = chosen(model, options);
        let sum = sum_of(&rows);
        let is_missed = rows.is_empty() && !options.processes.is_empty();
        let without_filter = is_missed.then(|| {
            let all = chosen(
                model,
                &TopOptions {
                    processes: ProcessQuery::default(),
                    ..options.clone()
                },
            );
            WithoutFilter::moved(all.len(), sum_of(&all))
        });
        arrange(&mut rows, options.sort, options.rows);
        if options.connections {
            add_connections(&mut rows, model, options.sort, names);
        }
        Self {
            when: When::of(model),
            processes: rows,
            total: TotalRow::new(sum, model),
            interfaces: LinkRow::all(model),
            without_filter,
            health: Health::of(model),
        }
    }
}

impl TotalRow {
    /// The traffic `sum` of the latest tick, as a row.
    pub fn new(sum: Traffic, model: &Model) -> Self {
        let speed = model.span().speed(Some(sum));
        Self {
            tx_bytes: sum.tx_bytes,
            rx_bytes: sum.rx_bytes,
            tx_bytes_per_s: speed.map(|speed| speed.tx_bytes_per_s),
            rx_bytes_per_s: speed.map(|speed| speed.rx_bytes_per_s),
        }
    }
}

fn sum_of(rows: &[ProcessRow<'_>]) -> Traffic {
    let mut sum = Traffic::default();
    for row in rows {
        sum += row.traffic.moved.unwrap_or_default();
    }
    sum
}

fn chosen<'m>(model: &'m Model, options: &TopOptions) -> Vec<ProcessRow<'m>> {
    let takes = |traffic: &&ProcessTraffic| options.processes.takes(&traffic.process);
    let row = |traffic| ProcessRow::of(model, traffic);
    if options.idle {
        model.processes().iter().filter(takes).map(row).collect()
    } else {
        let moved = model
            .processes()
            .changed()
            .filter(|traffic| has_moved(traffic));
        moved.filter(takes).map(row).collect()
    }
}

/// Whether the process moved bytes. A counter that went back may hide some, so it counts as traffic.
fn has_moved(traffic: &ProcessTraffic) -> bool {
    traffic.moved.is_none_or(|moved| !moved.is_zero()) || traffic.retrans != Some(0)
}

/// Adds to each row the flows of its process with recent traffic.
fn add_connections<'m>(
    rows: &mut [ProcessRow<'m>],
    model: &'m Model,
    sort: Sort,
    names: &dyn HostNames,
) {
    let mut by_process: HashMap<ProcessId, Vec<&FlowTraffic>> = HashMap::new();
    for flow in model.flows().iter() {
        by_process
            .entry(flow.reading.id.process)
            .or_default()
            .push(flow);
    }
    for row in rows {
        let flows = by_process.remove(&row.id()).unwrap_or_default();
        let mut flows: Vec<_> = flows
            .into_iter()
            .map(|flow| FlowRow::of(model, flow, names))
            .collect();
        arrange(&mut flows, sort, None);
        row.connections = Some(flows);
    }
}
