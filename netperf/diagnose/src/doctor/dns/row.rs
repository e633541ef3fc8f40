//! What did the processes of one name ask one resolver?

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use netperf_core::model::lookups::{Lookup, Lookups};
use netperf_core::model::spread::Spread;
use netperf_core::units::counted;
use serde::Serialize;

use super::super::Measured;
use crate::words::process;

/// Queries of one process, or of several with the same name, to one resolver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LookupRow {
    /// Name of the process. Untrusted text.
    pub name: String,
    /// Its number; those of all that have this name, as a shell starts them one after the other.
    pub pids: Vec<u32>,
    /// The resolver.
    pub resolver: SocketAddr,
    /// Queries that ended.
    pub queries: u64,
    /// Without an answer.
    pub lost: u64,
    /// Answered that there is no such name.
    pub no_name: u64,
    /// Answered with an error of the resolver, by its code.
    pub failures: BTreeMap<String, u64>,
    /// Asked again before.
    pub retries: u64,
    /// How long the answers took.
    pub time: Option<Spread>,
    /// A name without an answer. Untrusted text.
    #[serde(skip)]
    pub lost_name: Option<String>,
    /// A name that was answered with an error. Untrusted text.
    #[serde(skip)]
    pub failed_name: Option<String>,
    /// The name that took longest. Untrusted text.
    #[serde(skip)]
    pub slowest: Option<String>,
}

/// The rows of what is asked about, those with the most queries first.
pub fn rows(measured: &Measured<'_>, lookups: &Lookups) -> Vec<LookupRow> {
    let mut groups: BTreeMap<(&str, SocketAddr), Vec<&Lookup>> = BTreeMap::new();
    let asked = lookups
        .all()
        .filter(|it| measured.takes(&it.process, it.netns));
    for lookup in asked {
        let group = (lookup.process.name.as_str(), lookup.resolver);
        groups.entry(group).or_default().push(lookup);
    }
    let mut rows: Vec<_> = groups.into_iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.queries));
    rows
}

fn row(((name, resolver), all): ((&str, SocketAddr), Vec<&Lookup>)) -> LookupRow {
    let pids: BTreeSet<u32> = all.iter().map(|it| it.process.id.tgid).collect();
    let sum = |figure: fn(&Lookup) -> u64| all.iter().map(|it| figure(it)).sum();
    let mut failures = BTreeMap::new();
    for (rcode, count) in all.iter().flat_map(|it| &it.failures) {
        *failures.entry(rcode.name()).or_default() += count;
    }
    let one = |name: fn(&Lookup) -> Option<&String>| all.iter().find_map(|it| name(it)).cloned();
    let slowest = all.iter().filter_map(|it| it.slowest.as_ref()).max();
    LookupRow {
        name: name.to_owned(),
        pids: pids.into_iter().collect(),
        resolver,
        queries: sum(|it| it.queries),
        lost: sum(|it| it.lost),
        no_name: sum(|it| it.no_name),
        failures,
        retries: sum(|it| it.retries),
        time: Spread::of(all.iter().flat_map(|it| it.times.iter())),
        lost_name: one(|it| it.lost_name.as_ref()),
        failed_name: one(|it| it.failed_name.as_ref()),
        slowest: slowest.map(|(_, name)| name.clone()),
    }
}

impl LookupRow {
    /// Who asked, in words.
    pub fn who(&self) -> String {
        match self.pids[..] {
            [pid] => process(Some(&self.name), Some(pid)),
            _ => format!("{} ({} processes)", self.name, self.pids.len()),
        }
    }

    /// `7 SERVFAIL, 2 REFUSED`.
    pub(super) fn results(&self) -> String {
        let each = self
            .failures
            .iter()
            .map(|(name, &count)| counted(count, name, name));
        each.collect::<Vec<_>>().join(", ")
    }
}
