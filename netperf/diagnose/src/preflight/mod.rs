//! Will it run on this machine? Each finding as a verdict, a reason and what to do about it.

mod features;
mod hooks;
mod kernel;
#[cfg(test)]
mod tests;

use netperf_core::collect::{HookKind, HookPreference, Provenance};
use netperf_core::machine::Machine;
use serde::Serialize;

/// What to do where a capability is missing.
const AS_ROOT: &str = "run it as root, through sudo";

/// Whether a capability is missing without which nothing counts.
fn lacks_rights(machine: &Machine) -> bool {
    machine
        .rights
        .iter()
        .any(|right| right.required && !right.held)
}

/// Whether this machine can be measured, with every check.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Preflight {
    /// Name of this host. Untrusted text.
    pub host: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Whether bytes can be counted with the hooks that were asked for.
    pub can_count: bool,
    /// The kind of hooks that would count.
    pub hooks: Option<HookKind>,
    /// Every finding.
    pub checks: Vec<Check>,
    /// The kind of hooks that was asked for.
    #[serde(skip)]
    pub wanted: HookPreference,
    /// What the hooks that would count are attached to, and what they can't see.
    #[serde(skip)]
    pub provenance: Provenance,
}

/// One check and its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    /// What it is about.
    pub topic: Topic,
    /// What was looked at.
    pub name: String,
    /// Verdict of the check.
    pub verdict: Verdict,
    /// Whether nothing can be counted without it.
    pub needed: bool,
    /// What was found. May hold untrusted text.
    pub why: String,
    /// What to do, where something can be done.
    pub advice: Option<String>,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// Kinds of kernel hooks.
    Hooks,
    /// Capabilities of this process.
    Capabilities,
    /// Kernel and settings.
    Kernel,
    /// Kernel features that counting uses.
    Counting,
    /// Kernel features for lists of sockets.
    Listing,
    /// Kernel features for limits of bandwidth.
    Shaping,
}

/// Whether something is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is, or does no harm.
    Yes,
    /// It does not work.
    No,
    /// Some of it is missing.
    Partly,
    /// It could not be checked.
    Unknown,
}

impl Topic {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Hooks,
        Self::Capabilities,
        Self::Kernel,
        Self::Counting,
        Self::Listing,
        Self::Shaping,
    ];

    /// Heading of the group.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Hooks => "HOOKS, tried on this kernel; one kind is enough",
            Self::Capabilities => "CAPABILITIES of this process",
            Self::Kernel => "KERNEL and its settings",
            Self::Counting => "FEATURES that counting uses",
            Self::Listing => "FEATURES for lists of sockets",
            Self::Shaping => {
                "FEATURES for limits of bandwidth, tried in a network namespace of their own"
            }
        }
    }
}

impl Verdict {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Partly => "partly",
            Self::Unknown => "unknown",
        }
    }
}

impl Check {
    fn new(
        topic: Topic,
        name: impl Into<String>,
        verdict: Verdict,
        why: impl Into<String>,
    ) -> Self {
        Self {
            topic,
            name: name.into(),
            verdict,
            needed: false,
            why: why.into(),
            advice: None,
        }
    }

    fn needed(self) -> Self {
        Self {
            needed: true,
            ..self
        }
    }

    fn advise(self, advice: impl Into<String>) -> Self {
        Self {
            advice: Some(advice.into()),
            ..self
        }
    }
}

impl Preflight {
    /// What `machine` can do with hooks of the kind `wanted`.
    pub fn new(machine: &Machine, wanted: HookPreference) -> Self {
        let winner = hooks::winner(machine, wanted);
        let checks = [
            hooks::checks(machine, winner.is_some()),
            features::rights(machine),
            kernel::checks(&machine.kernel, hooks::any_accepted(machine)),
            features::features(machine),
        ];
        Self {
            host: machine.kernel.host.clone().unwrap_or_default(),
            kernel: machine.kernel.release.clone().unwrap_or_default(),
            can_count: winner.is_some(),
            hooks: winner.map(|(kind, _)| kind),
            checks: checks.concat(),
            wanted,
            provenance: winner.map(|(_, found)| found.clone()).unwrap_or_default(),
        }
    }

    /// The answer in a word.
    pub fn verdict(&self) -> Verdict {
        if self.can_count {
            Verdict::Yes
        } else {
            Verdict::No
        }
    }

    /// The answer in a sentence, with what is missing.
    pub fn summary(&self) -> String {
        if let Some(kind) = self.hooks {
            let hooks = kind.word();
            return if self.lacks_types() {
                format!("it counts here, with {hooks} hooks, but does not see everything")
            } else {
                format!("it counts every byte here, with {hooks} hooks")
            };
        }
        let lacking = |check: &&Check| check.needed && check.verdict == Verdict::No;
        let names = self
            .checks
            .iter()
            .filter(lacking)
            .map(|check| check.name.as_str());
        let missing = names.collect::<Vec<_>>().join(", ");
        match (missing.as_str(), self.wanted) {
            ("", HookPreference::Auto) => {
                "it can't count here: the kernel refuses all hooks".to_owned()
            }
            ("", _) => "it can't count here with hooks of the requested kind".to_owned(),
            (missing, _) => format!("it can't count here without {missing}"),
        }
    }

    fn lacks_types(&self) -> bool {
        let partly = |check: &Check| check.name == "BTF" && check.verdict == Verdict::Partly;
        self.checks.iter().any(partly)
    }

    /// Findings of one topic.
    pub fn about(&self, topic: Topic) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |check| check.topic == topic)
    }
}
