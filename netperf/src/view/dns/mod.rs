//! The rows of `dns`: how fast each resolver answers, what, and what is wrong with it.

pub mod table;

use std::net::IpAddr;

use netperf_core::model::dns::DnsFigures;
pub use netperf_core::model::dns::{LookupRow, ResolverRow};
use netperf_core::sample::dns::DnsSample;
use netperf_diagnose::{Finding, dns};
use serde::Serialize;

use super::time::Rfc3339;

/// The answers of every resolver about one name.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "dns")]
pub struct DnsTick {
    /// When the first query went out.
    pub time: Rfc3339,
    /// The name as the user wrote it. Untrusted text.
    pub name: String,
    /// The name in the queries.
    pub asked: String,
    /// Addresses of the name in the hosts file.
    pub hosts: Vec<IpAddr>,
    /// Where names are looked up, in order. Untrusted text.
    pub sources: Vec<String>,
    /// Domains that are appended to names. Untrusted text.
    pub search: Vec<String>,
    /// A name with at least this many dots is first tried as it is.
    pub ndots: u8,
    /// One lookup as programs make it.
    pub lookup: Option<LookupRow>,
    /// The figures of each resolver.
    pub resolvers: Vec<ResolverRow>,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
}

impl DnsTick {
    /// The rows and findings of `sample`.
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
}
