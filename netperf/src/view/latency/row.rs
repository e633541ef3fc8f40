//! A row of `latency`: how many times were measured, and below what most of them were.

use std::net::IpAddr;
use std::sync::Arc;

use netperf_core::host_names::HostNames;
use netperf_core::model::latency::Times;
use netperf_core::sample::latency::{LatencyKind, LatencyReading, TimeSpan};
use serde::Serialize;

/// Times of one process with one remote host.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LatencyRow<'m> {
    /// Process id; 0 is the kernel.
    pub pid: u32,
    /// Its name. Untrusted text.
    pub name: &'m str,
    /// Address of the other host.
    pub remote: IpAddr,
    /// Its name, where it is asked for and known. Untrusted text.
    pub remote_host: Option<Arc<str>>,
    /// What took time.
    pub kind: LatencyKind,
    /// Their number and percentiles.
    #[serde(flatten)]
    pub times: Times,
    /// How often, by how long, in ascending order.
    pub histogram: Vec<TimeSpan>,
}

impl<'m> LatencyRow<'m> {
    pub(super) fn new(reading: &'m LatencyReading, names: &dyn HostNames) -> Self {
        Self {
            pid: reading.process.id.tgid,
            name: &reading.process.name,
            remote: reading.remote,
            remote_host: names.name_of(reading.remote),
            kind: reading.kind,
            times: Times::default(),
            histogram: Vec::new(),
        }
    }

    /// Adds what was counted elsewhere for the same row.
    pub(super) fn add(&mut self, counts: &[TimeSpan]) {
        for span in counts {
            match self
                .histogram
                .binary_search_by_key(&span.from_us, |known| known.from_us)
            {
                Ok(at) => self.histogram[at].count += span.count,
                Err(at) => self.histogram.insert(at, *span),
            }
        }
        self.times = Times::of(&self.histogram);
    }
}
