//! Where did the time of the requests go, and is that what was asked for? The rows of `http`.

pub mod phase_table;

pub use netperf_core::model::http::{RequestRow, TargetRow, TlsRow};
use netperf_core::sample::http::HttpSample;
use netperf_core::units::Units;
use netperf_diagnose::condition::Condition;
use netperf_diagnose::http::slo::{self, HttpMetric, SloRow};
use netperf_diagnose::{Finding, Level, http};
use serde::Serialize;

use super::time::Rfc3339;

/// What `http` was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpOptions {
    /// The URL, without what stands behind `#`. Untrusted text.
    pub url: String,
    /// The method.
    pub method: String,
    /// One connection for all.
    pub keep_alive: bool,
    /// What the requests are held against.
    pub slos: Vec<Condition<HttpMetric>>,
    /// How findings write sizes.
    pub units: Units,
}

/// All requests of one time.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
        let slo = slo::rows(&options.slos, &targets);
        Self {
            time: Rfc3339(sample.wall),
            url: options.url.clone(),
            method: options.method.clone(),
            keep_alive: options.keep_alive,
            findings: http::findings(&targets, &slo, options.units),
            slo,
            targets,
        }
    }

    /// What makes this a failure, if something does.
    pub fn failure(&self) -> Option<&Finding> {
        let is_failure = |finding: &&Finding| finding.level == Level::Critical;
        self.findings.iter().find(is_failure)
    }
}
