//! Which process does not close connections that the other end has closed?

use std::cmp::Reverse;

use serde::Serialize;

use super::StatesOptions;
use crate::model::states::StatesModel;
use crate::model::states::census::{CloseWait, Holder, Peer};

/// Connections of one process in `CLOSE_WAIT`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CloseWaitRow<'m> {
    /// Who has to close them; `None` where that could not be seen.
    pub pid: Option<u32>,
    /// Its name. Untrusted text.
    pub name: Option<&'m str>,
    /// systemd unit.
    pub unit: Option<&'m str>,
    /// Which sockets, by the kernel's cookies: one may be in several rows.
    #[serde(skip)]
    pub sockets: &'m [u64],
    /// How many.
    pub count: u32,
    /// Those of them that wait to be accepted.
    pub unaccepted: u32,
    /// The oldest is no younger; `None` if nothing tells.
    pub oldest_s: Option<f64>,
    /// It was there at the first look already.
    pub oldest_before_start: Option<bool>,
    /// Change per second.
    pub growth_per_s: Option<f64>,
    /// Numbers of the files in the process, in order.
    pub fds: Vec<u32>,
    /// The other ends, those with the most first.
    pub peers: Vec<PeerRow>,
}

/// One other end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PeerRow {
    /// Its address, with the port if it is a service that was called.
    pub remote: String,
    /// The port of this end that it called, if it did.
    pub called_port: Option<u16>,
    /// How many connections.
    pub count: u32,
}

pub(super) fn rows<'m>(model: &'m StatesModel, options: &StatesOptions) -> Vec<CloseWaitRow<'m>> {
    let leaks = model.now.census.close_wait.iter();
    let wanted = leaks.filter(|(_, leak)| options.takes_any(leak.process.as_deref().into_iter()));
    let mut rows: Vec<_> = wanted
        .map(|(holder, leak)| row(model, *holder, leak))
        .collect();
    rows.sort_by_key(|row| (Reverse(row.count), row.pid));
    rows
}

fn row<'m>(model: &StatesModel, holder: Holder, leak: &'m CloseWait) -> CloseWaitRow<'m> {
    let process = leak.process.as_deref();
    let mut fds = leak.fds.clone();
    fds.sort_unstable();
    let mut peers: Vec<_> = leak.peers.iter().map(peer).collect();
    peers.sort_by(|a, b| (b.count, &a.remote).cmp(&(a.count, &b.remote)));
    CloseWaitRow {
        pid: process.map(|process| process.id.tgid),
        name: process.map(|process| process.name.as_str()),
        unit: process.and_then(|process| process.unit.as_deref()),
        sockets: &leak.cookies,
        count: leak.count,
        unaccepted: leak.unaccepted,
        oldest_s: leak.oldest.map(|age| age.at_least.as_secs_f64()),
        oldest_before_start: leak.oldest.map(|age| age.before_start),
        growth_per_s: model.growth_per_s(|look| {
            let earlier = look.census.close_wait.get(&holder);
            earlier.map_or(0, |leak| leak.count)
        }),
        fds,
        peers,
    }
}

fn peer((peer, &count): (&Peer, &u32)) -> PeerRow {
    let (remote, called_port) = match peer {
        Peer::Service(remote) => (remote.to_string(), None),
        Peer::Client(remote, port) => (remote.to_string(), Some(*port)),
    };
    PeerRow {
        remote,
        called_port,
        count,
    }
}
