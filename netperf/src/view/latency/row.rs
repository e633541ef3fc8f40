//! A row of `latency`: how many times were measured, and below what most of them were.

use std::net::IpAddr;
use std::sync::Arc;

use netperf_core::host_names::HostNames;
use netperf_core::sample::latency::{LatencyKind, LatencyReading, TimeSpan};
use serde::Serialize;

/// Times of one process with one remote host.
#[derive(Clone, Debug, Serialize)]
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

/// Times in µs. Each is taken from a histogram, whose steps are an eighth wide at the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// How many there were.
    pub count: u64,
    /// A tenth of them took less.
    pub p10_us: u32,
    /// Half of them took less.
    pub p50_us: u32,
    /// Nine in ten took less.
    pub p90_us: u32,
    /// 99 in a hundred took less.
    pub p99_us: u32,
    /// All of them took less.
    pub max_us: u32,
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

impl Times {
    /// Of a histogram, whose spans ascend.
    pub fn of(spans: &[TimeSpan]) -> Self {
        let count = spans.iter().map(|span| u64::from(span.count)).sum();
        Self {
            count,
            p10_us: below(spans, count, 10),
            p50_us: below(spans, count, 50),
            p90_us: below(spans, count, 90),
            p99_us: below(spans, count, 99),
            max_us: spans.last().map_or(0, |span| span.to_us),
        }
    }
}

/// What so many in a hundred took less than; within a span, times are taken to be spread evenly.
fn below(spans: &[TimeSpan], count: u64, percent: u64) -> u32 {
    let hundredths = count * percent;
    let mut passed = 0;
    for span in spans {
        let here = u64::from(span.count) * 100;
        if passed + here >= hundredths && here > 0 {
            let width = u64::from(span.to_us - span.from_us);
            let part = width * (hundredths - passed) / here;
            return span.from_us + u32::try_from(part).unwrap_or(0);
        }
        passed += here;
    }
    0
}
