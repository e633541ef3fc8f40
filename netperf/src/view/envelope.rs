//! The first and the last object of the JSON output.

use netperf_core::collect::AttachedHook;
use netperf_core::sample::socket::Unseen;
use serde::Serialize;

use super::time::Rfc3339;

/// Number of the output's format: fields may be added within one number, never renamed.
pub const SCHEMA: u32 = 1;

/// The first object: every hook is attached, and bytes count from here on.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "start")]
pub struct Start {
    /// Version of the output format, [`SCHEMA`].
    pub schema: u32,
    /// Version of this program.
    pub version: &'static str,
    /// The command whose ticks follow.
    pub command: &'static str,
    /// When the session began.
    pub time: Rfc3339,
    /// Name of this host. Untrusted text.
    pub host: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Nominal length of a tick.
    pub interval_s: f64,
    /// The hook attached for each thing that is counted.
    pub hooks: Vec<AttachedHook>,
    /// What can't be seen here, and why.
    pub unavailable: Vec<Unseen>,
}

impl Start {
    /// Every attachment once, in order.
    pub fn attachments(&self) -> Vec<&str> {
        let mut once: Vec<&str> = Vec::new();
        for hook in &self.hooks {
            if !once.contains(&hook.attach.as_str()) {
                once.push(&hook.attach);
            }
        }
        once
    }

    /// The kinds of hooks in use: what stands before the `/` of each attachment.
    pub fn hook_kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<&str> = Vec::new();
        for attachment in self.attachments() {
            let kind = attachment.split('/').next().unwrap_or_default();
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }
}

/// The last object of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "end")]
pub struct End {
    /// When it ended.
    pub time: Rfc3339,
    /// How many ticks there were.
    pub ticks: u64,
    /// (socket, process) pairs that the kernel side still held counters for.
    pub slots_in_use: u64,
    /// Why it ended.
    pub reason: Reason,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// A signal, or the user's `q`.
    Signal,
    /// `--count` was reached.
    Count,
    /// `--duration` was reached.
    Duration,
    /// The recording has ended.
    Eof,
}
