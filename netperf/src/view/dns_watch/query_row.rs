//! A row of `dns --watch`: one query that has ended.

use std::net::SocketAddr;

use netperf_core::clock::{MonoNs, WallNs};
use netperf_core::model::dns_watch::{DnsQuery, QueryEnd};
use netperf_core::sample::Proto;
use serde::Serialize;

use super::{micros, wall_of};
use crate::view::time::Rfc3339;

/// A DNS query that was answered or timed out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "dns_query")]
pub struct QueryRow<'q> {
    /// When it was sent.
    pub time: Rfc3339,
    /// Process id; 0 where no process is known.
    pub pid: u32,
    /// Its name. Untrusted text.
    pub name: &'q str,
    /// The name in the query. Untrusted text.
    pub query: &'q str,
    /// Type of record.
    pub record_type: &'q str,
    /// Address of the resolver.
    pub resolver: SocketAddr,
    /// Transport of the query.
    pub proto: Proto,
    /// Result code, or `timeout`.
    pub result: String,
    /// Whether the answer was too long for a datagram.
    pub truncated: bool,
    /// How long the answer took; `None` if none came.
    pub took_us: Option<u64>,
    /// How many unanswered queries for the same the process had sent before.
    pub retries: u32,
}

impl<'q> QueryRow<'q> {
    /// The row of a query; `now` is the present moment on both clocks.
    pub fn new(query: &'q DnsQuery, now: (MonoNs, WallNs)) -> Self {
        let (result, truncated, took_us) = match query.end {
            QueryEnd::Answered {
                rcode,
                truncated,
                took,
            } => (rcode.name(), truncated, Some(micros(took))),
            QueryEnd::TimedOut => ("timeout".to_owned(), false, None),
        };
        Self {
            time: Rfc3339(wall_of(query.at, now)),
            pid: query.process.id.tgid,
            name: &query.process.name,
            query: &query.name,
            record_type: &query.kind,
            resolver: query.resolver,
            proto: query.proto,
            result,
            truncated,
            took_us,
            retries: query.retries,
        }
    }
}
