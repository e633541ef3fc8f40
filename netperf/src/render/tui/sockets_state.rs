//! The sockets behind the page of TCP states: the latest snapshot, and how TIME_WAIT went.

use std::collections::VecDeque;

use netperf_core::model::states::StatesModel;
use netperf_core::model::states::census::Holder;
use netperf_core::sample::socket::SocketSample;
use netperf_core::sample::state_set::StateSet;
use netperf_core::sample::{ProcessId, TcpState};

use super::cursor::RowId;
use crate::view::states::StatesOptions;
use netperf_core::model::query::ProcessQuery;

/// Snapshots whose TIME_WAIT is drawn.
const HISTORY: usize = 120;

/// The latest snapshot, and figures of those before.
#[derive(Debug, Default)]
pub(super) struct SocketsState {
    pub(super) model: StatesModel,
    /// The sockets themselves; none while the page is not shown.
    pub(super) sample: Option<SocketSample>,
    /// Why there is no snapshot.
    pub(super) error: Option<String>,
    /// TIME_WAIT of each snapshot, the oldest first.
    pub(super) time_wait: VecDeque<u64>,
    /// The process whose sockets are shown.
    pub(super) opened: Option<ProcessId>,
}

impl SocketsState {
    /// Takes in a snapshot.
    pub(super) fn take(&mut self, look: Result<SocketSample, String>, query: &ProcessQuery) {
        let sample = match look {
            Ok(sample) => sample,
            Err(error) => {
                self.error = Some(error);
                return;
            }
        };
        let options = options(query);
        self.model
            .advance(&sample, &|socket| options.takes(&sample, socket));
        let over = self.model.now.census.counts.of(TcpState::TimeWait);
        self.time_wait.push_back(over.into());
        while self.time_wait.len() > HISTORY {
            self.time_wait.pop_front();
        }
        self.error = None;
        self.sample = Some(sample);
    }

    /// Drops the sockets when the page is left, because very many take up memory.
    pub(super) fn leave(&mut self) {
        self.sample = None;
        self.opened = None;
    }

    /// Opens the sockets of the selected process, or closes them.
    pub(super) fn open(&mut self, selected: Option<RowId>) {
        self.opened = match (selected, self.opened) {
            (Some(RowId::Holder(Holder::Process(id))), opened) if opened != Some(id) => Some(id),
            _ => None,
        };
    }
}

/// Options that select every state of these processes.
pub(super) fn options(query: &ProcessQuery) -> StatesOptions {
    StatesOptions {
        states: StateSet::ALL,
        port: None,
        remote: None,
        processes: query.clone(),
    }
}
