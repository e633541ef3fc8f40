//! Where did the time of the requests go, and is that what was asked for? The rows of `http`.

mod findings;
pub mod phase_table;
mod request_row;
pub mod slo;
mod target_row;

#[cfg(test)]
pub(crate) mod tests;

use netperf_core::sample::http::HttpSample;
use serde::Serialize;

pub use self::request_row::{CurlTimes, RequestRow, TlsRow};
use self::slo::{Slo, SloRow};
pub use self::target_row::{LongestRow, PhaseRow, TargetRow, name_of};
use super::time::Rfc3339;
use netperf_diagnose::{Finding, Level};

/// What `http` was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpOptions {
    /// The URL, without what stands behind `#`. Untrusted text.
    pub url: String,
    /// The method.
    pub method: String,
    /// One connection for all.
    pub keep_alive: bool,
    /// What the requests are held against.
    pub slos: Vec<Slo>,
}

/// All requests of one time.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename = "http")]
pub struct HttpTick {
    /// When it began.
    pub time: Rfc3339,
    /// What was requested. Untrusted text.
    pub url: String,
    /// How.
    pub method: String,
    /// One connection for all.
    pub keep_alive: bool,
    /// By address, or one for whichever answered.
    pub targets: Vec<TargetRow>,
    /// What the requests were held against.
    pub slo: Vec<SloRow>,
    /// What is worth to know, the worst first.
    pub findings: Vec<Finding>,
}

impl HttpTick {
    /// Makes the rows.
    pub fn new(sample: &HttpSample, options: &HttpOptions) -> Self {
        let targets: Vec<_> = sample.targets.iter().map(TargetRow::new).collect();
        let slo = options.slos.iter().flat_map(|slo| slo.against(&targets));
        let mut tick = Self {
            time: Rfc3339(sample.wall),
            url: options.url.clone(),
            method: options.method.clone(),
            keep_alive: options.keep_alive,
            slo: slo.collect(),
            targets,
            findings: Vec::new(),
        };
        tick.findings = findings::of(&tick);
        tick
    }

    /// What makes this a failure, if something does.
    pub fn failure(&self) -> Option<&Finding> {
        let is_failure = |finding: &&Finding| finding.level == Level::Critical;
        self.findings.iter().find(is_failure)
    }
}
