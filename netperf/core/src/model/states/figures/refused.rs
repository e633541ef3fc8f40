//! To which process did the kernel refuse a port or an address?

use std::cmp::Reverse;
use std::net::SocketAddr;

use serde::Serialize;

use super::StatesOptions;
use crate::model::states::StatesModel;
use crate::model::states::refused::{PortHolder, Refusal, Refused};
use crate::sample::refusal::{RefusedCall, RefusedFor};
use crate::sample::{Proto, TcpState};

/// Calls of one process that failed alike.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefusedRow<'m> {
    /// Process id; 0 for the kernel itself.
    pub pid: u32,
    /// Its id in the initial pid namespace, where the tracer's has another or none.
    pub host_pid: Option<u32>,
    /// Its name. Untrusted text.
    pub name: &'m str,
    /// The call that failed.
    pub call: RefusedCall,
    /// Why it failed.
    pub error: RefusedFor,
    /// Transport.
    pub proto: Proto,
    /// The remote end of `connect`, the local one of `bind`.
    pub address: SocketAddr,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// How often in this tick.
    pub count: u64,
    /// How often since the start.
    pub total: u64,
    /// `count` per second; `None` for the first look.
    pub per_s: Option<f64>,
    /// Seconds since it was last seen to happen.
    pub last_s: f64,
    /// Sockets that have the TCP port now, where another has what was wanted; those that listen first,
    /// then those with the most.
    pub held_by: Vec<PortHolderRow<'m>>,
}

/// Sockets that have a port.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PortHolderRow<'m> {
    /// Process id; `None` where no process has them, or none could be seen.
    pub pid: Option<u32>,
    /// Its name. Untrusted text.
    pub name: Option<&'m str>,
    /// State of the sockets.
    pub state: TcpState,
    /// Number of sockets.
    pub count: u32,
}

pub(super) fn rows<'m>(model: &'m StatesModel, options: &StatesOptions) -> Vec<RefusedRow<'m>> {
    let wanted = model.refused.all.iter().filter(|(refusal, refused)| {
        let is_remote = match refusal.call {
            RefusedCall::Connect => options.is_remote(refusal.address.ip()),
            RefusedCall::Bind => options.remote.is_none(),
        };
        let port = refusal.address.port();
        is_remote
            && options.port.is_none_or(|wanted| wanted == port)
            && options.takes_any(std::iter::once(refused.process.as_ref()))
    });
    let mut rows: Vec<_> = wanted
        .map(|(refusal, refused)| row(model, refusal, refused))
        .collect();
    rows.sort_by_key(|row| {
        let most = (Reverse(row.count), Reverse(row.total));
        (most, row.pid, row.call, row.proto, row.address, row.netns)
    });
    rows
}

fn row<'m>(model: &StatesModel, refusal: &Refusal, refused: &'m Refused) -> RefusedRow<'m> {
    let process = &refused.process;
    let length = model.interval().map(|length| length.as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let count = refused.count as f64;
    let mut held_by: Vec<_> = refused.holders.iter().map(holder).collect();
    held_by.sort_by_key(|row| {
        let listens = row.state == TcpState::Listen;
        (Reverse(listens), Reverse(row.count), row.state, row.pid)
    });
    let last = model.now.at.since(refused.last);
    RefusedRow {
        pid: process.id.tgid,
        host_pid: process.host_tgid,
        name: &process.name,
        call: refusal.call,
        error: refusal.error,
        proto: refusal.proto,
        address: refusal.address,
        netns: refusal.netns,
        count: refused.count,
        total: refused.total,
        per_s: length.map(|length| count / length),
        last_s: last.map_or(0.0, |last| last.as_secs_f64()),
        held_by,
    }
}

fn holder(holder: &PortHolder) -> PortHolderRow<'_> {
    let process = holder.process.as_deref();
    PortHolderRow {
        pid: process.map(|process| process.id.tgid),
        name: process.map(|process| process.name.as_str()),
        state: holder.state,
        count: holder.count,
    }
}
