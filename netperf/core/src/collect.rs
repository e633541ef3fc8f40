//! Samples and where they come from. The main loop treats live readers and recordings alike.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use crate::sample::Sample;
use crate::sample::event::ConnectionEvent;
use crate::sample::socket::{SocketSample, Unseen};

/// What a source of samples is made of, for the first line of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The hook attached for each thing that is counted.
    pub hooks: Vec<AttachedHook>,
    /// What can't be seen here, and why.
    pub unavailable: Vec<Unseen>,
}

/// A kernel hook and what it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttachedHook {
    /// What is counted, for example `tcp_send`.
    pub name: &'static str,
    /// The kind of hook and the kernel symbol, for example `tp_btf/sock_send_length`.
    pub attach: String,
}

/// A family of kernel hooks, each sufficient to count every byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum HookKind {
    /// BTF tracepoints on the network code.
    Tracepoint,
    /// BPF trampolines (fentry, fexit) on kernel functions.
    Fentry,
    /// Kprobes and kretprobes.
    Kprobe,
}

impl HookKind {
    /// The name on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tracepoint => "tracepoint",
            Self::Fentry => "fentry",
            Self::Kprobe => "kprobe",
        }
    }
}

/// What the view wants collected beyond the totals of each process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
pub struct Wanted {
    /// Readings of single flows.
    pub flows: bool,
    /// What connections lose: retransmissions by kind, resets, what the kernel throws away.
    pub losses: bool,
    /// How long it takes to connect, to get an answer and to be accepted.
    pub latency: bool,
    /// Single retransmissions or transitions, as events.
    pub one_by_one: bool,
    /// The transitions of one connection in so many; `None` for no transitions.
    pub transitions: Option<NonZeroU32>,
}

/// A source of samples: the live collector or a recording.
pub trait Feed {
    /// What the source is made of, for the `start` line and the header.
    fn provenance(&self) -> &Provenance;

    /// Takes in what the source has ready, without ending a tick; called between ticks so that
    /// buffers in the kernel stay small. Returns how long until it wants to be called again.
    ///
    /// # Errors
    /// When the source has failed as a whole.
    fn pump(&mut self) -> anyhow::Result<Duration>;

    /// The events since the last call, in order. Empty where the view wants none.
    fn drain_events(&mut self) -> Vec<ConnectionEvent> {
        Vec::new()
    }

    /// Whether the source needs socket snapshots, for facts that no hook sees.
    fn wants_sockets(&self) -> bool {
        false
    }

    /// Takes in a socket snapshot.
    fn sockets(&mut self, _look: &SocketSample) {}

    /// Ends a tick: everything counted until now, or `None` at the end of a recording.
    ///
    /// # Errors
    /// When the source has failed as a whole.
    fn next(&mut self) -> anyhow::Result<Option<Sample>>;

    /// Stops counting, then delivers what was counted up to that moment.
    ///
    /// # Errors
    /// When the source has failed as a whole.
    fn finish(&mut self) -> anyhow::Result<Option<Sample>>;
}

/// How a live feed is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedConfig {
    /// Which kind of kernel hook to use.
    pub hooks: HookPreference,
    /// What the view needs.
    pub wanted: Wanted,
}

/// Which kind of kernel hook to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum HookPreference {
    /// The best that the kernel accepts
    #[default]
    Auto,
    /// BPF trampolines on kernel functions
    Fentry,
    /// Breakpoints on kernel functions
    Kprobe,
    /// Tracepoints
    Tracepoint,
}

impl HookPreference {
    /// Whether hooks of this kind may be used.
    pub fn accepts(self, kind: HookKind) -> bool {
        match self {
            Self::Auto => true,
            Self::Fentry => kind == HookKind::Fentry,
            Self::Kprobe => kind == HookKind::Kprobe,
            Self::Tracepoint => kind == HookKind::Tracepoint,
        }
    }
}
