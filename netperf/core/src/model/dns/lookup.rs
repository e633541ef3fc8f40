//! What did one lookup find, and what did it cost?

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use crate::model::dns::resolver::rcode_or_reason;
use crate::model::spread::micros;
use crate::sample::dns::{Lookup, LookupEnd, LookupQuery, Outcome, Transport};

/// One lookup of addresses, as programs make it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LookupRow {
    /// `hosts`, `dns`, or where there is no address: `no_address`, `no_answer`.
    pub result: &'static str,
    /// The name that was found, with its search domain.
    pub found: Option<String>,
    /// Addresses that were found.
    pub addresses: Vec<IpAddr>,
    /// How long it took.
    pub took_us: u64,
    /// Queries that were sent, over TCP included.
    pub sent: usize,
    /// Names that were tried.
    pub names: Vec<String>,
    /// Queries without an answer.
    pub timeouts: usize,
    /// Each query, in order.
    pub queries: Vec<QueryRow>,
}

/// One query of a lookup.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QueryRow {
    /// Queries of the same round were sent together.
    pub round: usize,
    /// The name that was tried.
    pub name: String,
    /// `A` or `AAAA`.
    #[serde(rename = "record_type")]
    pub kind: String,
    /// The resolver.
    pub server: SocketAddr,
    /// How long the answer took, or was waited for.
    pub took_us: u64,
    /// Result code, `timeout`, or what went wrong. May hold untrusted text.
    pub result: String,
}

impl LookupRow {
    /// The figures of a lookup.
    pub fn new(lookup: &Lookup) -> Self {
        let mut names: Vec<String> = Vec::new();
        for query in &lookup.queries {
            if !names.contains(&query.name) {
                names.push(query.name.clone());
            }
        }
        let queries = lookup.queries.iter();
        let sent = |query: &LookupQuery| match query.reading.transport {
            Transport::Udp | Transport::Tcp => 1,
            Transport::UdpThenTcp => 2,
        };
        let lost = |query: &&LookupQuery| query.reading.outcome == Outcome::TimedOut;
        Self {
            result: match &lookup.end {
                LookupEnd::Literal(_) => "literal",
                LookupEnd::Hosts(_) => "hosts",
                LookupEnd::Found { .. } => "dns",
                LookupEnd::NoAddress => "no_address",
                LookupEnd::NoAnswer => "no_answer",
            },
            found: match &lookup.end {
                LookupEnd::Found { name, .. } => Some(name.clone()),
                LookupEnd::Literal(_)
                | LookupEnd::Hosts(_)
                | LookupEnd::NoAddress
                | LookupEnd::NoAnswer => None,
            },
            addresses: lookup.addresses(),
            took_us: micros(lookup.took),
            sent: queries.clone().map(sent).sum(),
            timeouts: queries.clone().filter(lost).count(),
            queries: queries.map(QueryRow::new).collect(),
            names,
        }
    }
}

impl QueryRow {
    fn new(query: &LookupQuery) -> Self {
        Self {
            round: query.round,
            name: query.name.clone(),
            kind: query.reading.kind.clone(),
            server: query.server,
            took_us: micros(query.reading.took),
            result: rcode_or_reason(&query.reading.outcome),
        }
    }
}
