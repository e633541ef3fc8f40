//! The rows of `states`: sockets by TCP state, process and remote host, and findings.

pub mod table;

#[cfg(test)]
mod tests;

use netperf_core::model::states::StatesModel;
use netperf_core::model::states::figures::StatesFigures;
pub use netperf_core::model::states::figures::{
    AcceptedRow, CloseWaitRow, ListenRow, PortsRow, ProcessRow, RefusedRow, RemoteRow,
    StatesOptions,
};
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
    /// The figures, beside the other fields.
    #[serde(flatten)]
    pub figures: StatesFigures<'m>,
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
            figures,
            findings,
            namespaces: look.namespaces,
            without_filter: None,
            unavailable: &look.unseen,
            loss: model.refused.loss,
        }
    }
}
