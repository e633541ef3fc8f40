//! The verdict of `doctor`: the most likely cause of trouble, and every check.

use netperf_core::model::Model;
use netperf_core::sample::Loss;
use netperf_core::sample::socket::Unseen;
use netperf_diagnose::doctor::dns::LookupRow;
use netperf_diagnose::doctor::failing::FailedRow;
use netperf_diagnose::doctor::{Cause, Check, Diagnosis, Measured, Status};
use serde::Serialize;

use super::time::Rfc3339;

/// The verdict and what it rests on.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "doctor")]
pub struct Doctor<'m> {
    /// When it was made.
    pub time: Rfc3339,
    /// How long was measured.
    pub interval_s: f64,
    /// The worst status of all checks.
    pub status: Status,
    /// The verdict in one sentence. May hold untrusted text.
    pub verdict: String,
    /// Causes of trouble, the most likely first.
    pub causes: Vec<Cause>,
    /// Every check, in order.
    pub checks: Vec<Check>,
    /// Name lookups by process and resolver.
    pub lookups: Vec<LookupRow>,
    /// Connections that failed, by process, remote end and error.
    pub failed_connects: Vec<FailedRow>,
    /// The process that `--pid` names.
    pub pid: Option<u32>,
    /// What could not be seen.
    pub unavailable: &'m [Unseen],
    /// Events that could not be counted.
    pub loss: Loss,
}

impl<'m> Doctor<'m> {
    /// Judges the measurements.
    pub fn new(measured: &Measured<'m>) -> Self {
        let Diagnosis {
            status,
            verdict,
            causes,
            checks,
            lookups,
            failed_connects,
        } = Diagnosis::new(measured);
        Self {
            time: Rfc3339(measured.wall),
            interval_s: measured.length.as_secs_f64(),
            status,
            verdict,
            causes,
            checks,
            lookups,
            failed_connects,
            pid: measured.about,
            unavailable: measured.unseen,
            loss: measured.traffic.map(Model::loss).unwrap_or_default(),
        }
    }
}
