//! What covers the page and takes the keys: help, or a prompt.

use netperf_core::sample::ProcessId;

/// What covers the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Overlay {
    Nothing,
    Help,
    /// The filter as typed so far, and what is wrong with it.
    Prompt {
        text: String,
        error: Option<String>,
    },
    /// The rate of a limit as typed so far, and what is wrong with it.
    Rate {
        process: ProcessId,
        /// Name of the process. Untrusted text.
        name: String,
        text: String,
        error: Option<String>,
    },
}
