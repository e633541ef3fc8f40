//! How fast did resolvers answer, and what? The figures of `dns`, as the JSON has them.

pub mod lookup;
pub mod resolver;

use std::net::IpAddr;

pub use self::lookup::{LookupRow, QueryRow};
pub use self::resolver::{RecordRow, ResolverRow, TypeRow};
use crate::sample::dns::DnsSample;

/// What came of the queries for one name.
#[derive(Clone, Debug)]
pub struct DnsFigures {
    /// What the hosts file has for it.
    pub hosts: Vec<IpAddr>,
    /// One lookup as programs make it.
    pub lookup: Option<LookupRow>,
    /// The figures of each resolver.
    pub resolvers: Vec<ResolverRow>,
}

impl DnsFigures {
    /// The figures of a sample.
    pub fn new(sample: &DnsSample) -> Self {
        Self {
            hosts: sample.service.in_hosts(&sample.name),
            lookup: sample.lookup.as_ref().map(LookupRow::new),
            resolvers: sample.resolvers.iter().map(ResolverRow::new).collect(),
        }
    }
}
