//! The rows of `http`: the time of each phase, thresholds, and findings.

pub mod phase_table;

pub use netperf_core::model::http::{RequestRow, TargetRow, TlsRow};
use netperf_core::sample::http::HttpSample;
use netperf_core::units::Units;
use netperf_diagnose::condition::Condition;
use netperf_diagnose::http::slo::{self, HttpMetric, SloRow};
use netperf_diagnose::{Finding, http};
use serde::Serialize;

use super::time::Rfc3339;

/// Options of `http`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpOptions {
    /// The URL, without its fragment (`#…`). Untrusted text.
    pub url: String,
    /// HTTP method.
    pub method: String,
    /// Send all requests over one connection.
    pub keep_alive: bool,
    /// Thresholds of `--slo`.
    pub slos: Vec<Condition<HttpMetric>>,
    /// How findings write sizes.
    pub units: Units,
}

/// The requests of one round.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "http")]
pub struct HttpTick {
    /// When the round began.
    pub time: Rfc3339,
    /// The URL. Untrusted text.
    pub url: String,
    /// HTTP method.
    pub method: String,
    /// Whether all requests used one connection.
    pub keep_alive: bool,
    /// The figures of each address, or of whichever answered.
    pub targets: Vec<TargetRow>,
    /// Thresholds, and whether they were met.
    pub slo: Vec<SloRow>,
    /// Findings, the worst first.
    pub findings: Vec<Finding>,
}

impl HttpTick {
    /// The rows and findings of `sample`.
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
}
