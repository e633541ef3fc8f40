//! How many sockets are in which state, of whom, with whom, and which of them do not end?

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use super::StatesOptions;
use crate::model::states::StatesModel;
use crate::model::states::census::{Census, Held, Holder};
use crate::model::states::counts::StateCounts;
use crate::sample::Container;

/// Remote hosts that are named for a state.
const REMOTES_MAX: usize = 5;

/// What one process holds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProcessRow<'m> {
    /// The holder.
    #[serde(skip)]
    pub holder: Holder,
    /// Process id; 0 where no process holds them, `None` where it could not be seen.
    pub pid: Option<u32>,
    /// Its name. Untrusted text.
    pub name: Option<&'m str>,
    /// Name of its user. Untrusted text.
    pub user: Option<&'m str>,
    /// systemd unit.
    pub unit: Option<&'m str>,
    /// Container.
    pub container: Option<&'m Container>,
    /// How many are in each state.
    pub counts: StateCounts,
    /// Change per second by state, where there was any.
    pub growth_per_s: Option<BTreeMap<&'static str, f64>>,
}

/// What one remote host is connected to.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RemoteRow {
    /// Address of the host.
    pub remote: IpAddr,
    /// How many are in each state.
    pub counts: StateCounts,
    /// Change per second by state, where there was any.
    pub growth_per_s: Option<BTreeMap<&'static str, f64>>,
}

/// Connections in one of the states in which this end closes.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClosingRow {
    /// State of the connections.
    pub state: &'static str,
    /// Number of connections.
    pub count: u32,
    /// Those whose other end does not answer.
    pub silent: u32,
    /// Those that no process holds any more.
    pub orphans: u32,
    /// The oldest of those without a timer of the kernel is no younger.
    pub oldest_s: Option<f64>,
    /// How often a FIN was sent again at most.
    pub retransmits: u8,
    /// With whom most of them are.
    pub remotes: Vec<(IpAddr, u32)>,
}

pub(super) fn processes<'m>(
    model: &'m StatesModel,
    options: &StatesOptions,
) -> Vec<ProcessRow<'m>> {
    let holders = model.now.census.holders.iter();
    let wanted = holders.filter(|(_, held)| options.takes_any(held.process.as_deref().into_iter()));
    let row = |(holder, held): (&Holder, &'m Held)| {
        let process = held.process.as_deref();
        let kernel = (*holder == Holder::Kernel).then_some((0, "[kernel]"));
        let named = process.map(|it| (it.id.tgid, it.name.as_str())).or(kernel);
        ProcessRow {
            holder: *holder,
            pid: named.map(|(pid, _)| pid),
            name: named.map(|(_, name)| name),
            user: process.and_then(|it| it.user.as_deref()),
            unit: process.and_then(|it| it.unit.as_deref()),
            container: process.and_then(|it| it.container.as_ref()),
            counts: held.counts,
            growth_per_s: growth(model, &held.counts, |census| {
                census.holders.get(holder).map(|held| held.counts)
            }),
        }
    };
    let mut rows: Vec<_> = wanted.map(row).collect();
    rows.sort_by_key(|row| (Reverse(row.counts.total()), row.pid));
    rows
}

pub(super) fn remotes(model: &StatesModel) -> Vec<RemoteRow> {
    let row = |(&remote, counts): (&IpAddr, &StateCounts)| RemoteRow {
        remote,
        counts: *counts,
        growth_per_s: growth(model, counts, |census| census.remotes.get(&remote).copied()),
    };
    let mut rows: Vec<_> = model.now.census.remotes.iter().map(row).collect();
    rows.sort_by_key(|row| (Reverse(row.counts.total()), row.remote));
    rows
}

fn growth(
    model: &StatesModel,
    now: &StateCounts,
    earlier: impl Fn(&Census) -> Option<StateCounts>,
) -> Option<BTreeMap<&'static str, f64>> {
    let (length, before) = model.before.as_ref()?;
    let earlier = earlier(&before.census).unwrap_or_default();
    Some(now.growth_since(&earlier, length.as_secs_f64()))
}

pub(super) fn closing(model: &StatesModel) -> Vec<ClosingRow> {
    let states = model.now.census.closing.iter();
    states
        .map(|(state, closing)| {
            let remotes = closing.remotes.iter();
            let mut remotes: Vec<_> = remotes.map(|(&remote, &count)| (remote, count)).collect();
            remotes.sort_by_key(|&(remote, count)| (Reverse(count), remote));
            remotes.truncate(REMOTES_MAX);
            ClosingRow {
                state: state.name(),
                count: closing.count,
                silent: closing.silent,
                orphans: closing.orphans,
                oldest_s: closing.oldest.map(|age| age.at_least.as_secs_f64()),
                retransmits: closing.retransmits,
                remotes,
            }
        })
        .collect()
}
