//! The report of `doctor --kernel`: does the program run on this machine?

use netperf_core::collect::HookPreference;
use netperf_core::machine::Machine;
use netperf_diagnose::preflight::Preflight;
use serde::Serialize;

use super::time::Rfc3339;

/// The report as a JSON object.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "preflight")]
pub struct Readiness {
    /// When the machine was examined.
    pub time: Rfc3339,
    /// What this machine can do.
    #[serde(flatten)]
    pub found: Preflight,
}

impl Readiness {
    /// What `machine` can do at `time`, with hooks of the kind `wanted`.
    pub fn new(machine: &Machine, wanted: HookPreference, time: Rfc3339) -> Self {
        Self {
            time,
            found: Preflight::new(machine, wanted),
        }
    }
}
