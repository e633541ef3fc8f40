//! How fast do resolvers answer, what, and is something wrong with them? The rows of `dns`.

pub mod table;

use std::net::IpAddr;

use netperf_core::model::dns::DnsFigures;
pub use netperf_core::model::dns::{LookupRow, ResolverRow};
use netperf_core::sample::dns::DnsSample;
use netperf_diagnose::{Finding, Level, dns};
use serde::Serialize;

use super::time::Rfc3339;

/// All that was asked about a name at one time.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "dns")]
pub struct DnsTick {
    /// When it began.
    pub time: Rfc3339,
    /// What the user asked for. Untrusted text.
    pub name: String,
    /// The name that the resolvers were asked for.
    pub asked: String,
    /// What the hosts file has for it.
    pub hosts: Vec<IpAddr>,
    /// Where names are looked up, in order. Untrusted text.
    pub sources: Vec<String>,
    /// Domains that are appended to names. Untrusted text.
    pub search: Vec<String>,
    /// A name with so many dots is first tried as it is.
    pub ndots: u8,
    /// One lookup as programs make it.
    pub lookup: Option<LookupRow>,
    /// Each resolver.
    pub resolvers: Vec<ResolverRow>,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
}

impl DnsTick {
    /// Makes the rows.
    pub fn new(sample: &DnsSample) -> Self {
        let service = &sample.service;
        let figures = DnsFigures::new(sample);
        Self {
            time: Rfc3339(sample.wall),
            name: sample.name.clone(),
            asked: sample.asked.clone(),
            findings: dns::findings(&figures, sample),
            hosts: figures.hosts,
            sources: service.sources.clone(),
            search: service.search.clone(),
            ndots: service.options.ndots,
            lookup: figures.lookup,
            resolvers: figures.resolvers,
        }
    }

    /// What makes this a failure, if something does.
    pub fn failure(&self) -> Option<&Finding> {
        let is_failure = |finding: &&Finding| finding.level == Level::Critical;
        self.findings.iter().find(is_failure)
    }
}
