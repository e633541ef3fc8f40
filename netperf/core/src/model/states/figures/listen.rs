//! How full are the queues of listening sockets?

use std::cmp::Reverse;
use std::net::SocketAddr;

use serde::Serialize;

use super::{Named, StatesOptions};
use crate::model::states::StatesModel;
use crate::model::states::census::Listener;
use crate::sample::TcpState;

/// One listening socket.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListenRow<'m> {
    /// Local address and port.
    pub local: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// The first process that holds it; `None` where that could not be seen.
    pub pid: Option<u32>,
    /// Its name. Untrusted text.
    pub name: Option<&'m str>,
    /// Every process that holds it.
    pub owners: Vec<Named<'m>>,
    /// Connections that wait to be accepted.
    pub backlog: u32,
    /// Limit of that queue.
    pub backlog_max: u32,
    /// Connections that it turned away since it began to listen.
    pub overflows: Option<u32>,
    /// The same, per second of this tick.
    pub overflows_per_s: Option<f64>,
    /// Half-open connections.
    pub syn_recv: u32,
}

impl ListenRow<'_> {
    /// No connection more finds room.
    pub fn is_full(&self) -> bool {
        self.backlog > 0 && self.backlog >= self.backlog_max
    }
}

pub(super) fn rows<'m>(model: &'m StatesModel, options: &StatesOptions) -> Vec<ListenRow<'m>> {
    if !options.shows(TcpState::Listen) || options.remote.is_some() {
        return Vec::new();
    }
    let listeners = model.now.census.listeners.iter().filter(|listener| {
        let owners = listener.owners.iter().map(AsRef::as_ref);
        let port = listener.local.port();
        options.port.is_none_or(|wanted| wanted == port) && options.takes_any(owners)
    });
    let mut rows: Vec<_> = listeners.map(|listener| row(model, listener)).collect();
    rows.sort_by_key(|row| (Reverse(row.is_full()), Reverse(row.overflows), row.local));
    rows
}

fn row<'m>(model: &'m StatesModel, listener: &'m Listener) -> ListenRow<'m> {
    let owners: Vec<_> = listener.owners.iter().map(|it| Named::of(it)).collect();
    let of_look = |look: &crate::model::states::Look| {
        let mut listeners = look.census.listeners.iter();
        let same = listeners.find(|it| it.cookie == listener.cookie)?;
        same.turned_away.map(u64::from)
    };
    let length = model.interval().map(|length| length.as_secs_f64());
    let increase = model.increase(of_look);
    ListenRow {
        local: listener.local,
        netns: listener.netns,
        pid: owners.first().map(|owner| owner.pid),
        name: owners.first().map(|owner| owner.name),
        owners,
        backlog: listener.backlog,
        backlog_max: listener.backlog_max,
        overflows: listener.turned_away,
        overflows_per_s: increase.zip(length).map(|(increase, seconds)| {
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let increase = increase as f64;
            increase / seconds
        }),
        syn_recv: listener.syn_recv,
    }
}
