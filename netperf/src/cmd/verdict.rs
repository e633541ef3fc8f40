//! The verdict of a command that measures in rounds: it fails by the latest round that found a failure.

use netperf_core::failure::Failure;
use netperf_diagnose::{Finding, Level};

/// What was found so far.
#[derive(Default)]
pub(super) struct Verdict(Option<Failure>);

impl Verdict {
    /// A round has ended with these findings: a critical one is a failure.
    pub(super) fn note(&mut self, findings: &[Finding]) {
        let critical = findings.iter().find(|it| it.level == Level::Critical);
        if let Some(Finding { what, evidence, .. }) = critical {
            self.0 = Some(Failure::CheckFailed(format!("{what}: {evidence}")));
        }
    }

    /// The verdict.
    ///
    /// # Errors
    /// The latest failure.
    pub(super) fn result(self) -> Result<(), Failure> {
        self.0.map_or(Ok(()), Err)
    }
}
