//! What is the trouble, most likely? The verdict of `doctor`.

use netperf_core::model::Model;
use netperf_core::sample::Loss;
use netperf_core::sample::socket::Unseen;
use netperf_diagnose::doctor::dns::LookupRow;
use netperf_diagnose::doctor::failing::FailedRow;
use netperf_diagnose::doctor::{Cause, Check, Diagnosis, Measured, Status};
use serde::Serialize;

use super::time::Rfc3339;

/// The verdict.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "doctor")]
pub struct Doctor<'m> {
    /// When it was made.
    pub time: Rfc3339,
    /// How long was measured.
    pub interval_s: f64,
    /// As the worst of its checks.
    pub status: Status,
    /// In one sentence. May hold untrusted text.
    pub verdict: String,
    /// What was found wrong, the most likely cause first.
    pub causes: Vec<Cause>,
    /// Every check, in order.
    pub checks: Vec<Check>,
    /// Who looked names up, and how that went.
    pub lookups: Vec<LookupRow>,
    /// Connections that failed, by process, remote end and error.
    pub failed_connects: Vec<FailedRow>,
    /// The process that was asked about.
    pub pid: Option<u32>,
    /// What could not be seen.
    pub unavailable: &'m [Unseen],
    /// What could not be counted.
    pub loss: Loss,
}

impl<'m> Doctor<'m> {
    /// Judges what was measured.
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
