//! A row of `latency`: the number of measured times, their percentiles, and a histogram.

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
    /// Address of the remote host.
    pub remote: IpAddr,
    /// Name of the remote host, with `--resolve`. Untrusted text.
    pub remote_host: Option<Arc<str>>,
    /// What was timed.
    pub kind: LatencyKind,
    /// Their number and percentiles.
    #[serde(flatten)]
    pub times: Times,
    /// Buckets of the histogram, in ascending order.
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

    /// Adds the buckets of another histogram.
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
