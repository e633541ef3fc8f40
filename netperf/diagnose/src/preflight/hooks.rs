//! Which kinds of hooks does this kernel accept?

use netperf_core::collect::{HookKind, HookPreference, Provenance};
use netperf_core::machine::{Machine, SetTrial};

use super::{AS_ROOT, Check, Topic, Verdict, lacks_rights};

/// The kind that would count: the first that was accepted, if no right is missing.
pub(super) fn winner(machine: &Machine, wanted: HookPreference) -> Option<(HookKind, &Provenance)> {
    let trials = machine
        .hook_sets
        .as_ref()
        .ok()
        .filter(|_| !lacks_rights(machine))?;
    let mut accepted = trials.iter().filter_map(|trial| {
        let found = trial.outcome.as_ref().ok()?;
        wanted.accepts(trial.kind).then_some((trial.kind, found))
    });
    accepted.next()
}

/// Whether the kernel accepted some kind.
pub(super) fn any_accepted(machine: &Machine) -> bool {
    let trials = machine.hook_sets.as_deref().unwrap_or_default();
    trials.iter().any(|trial| trial.outcome.is_ok())
}

pub(super) fn checks(machine: &Machine, counts: bool) -> Vec<Check> {
    match &machine.hook_sets {
        Ok(trials) => {
            let advice = |kind| match (counts, lacks_rights(machine)) {
                (true, _) => "nothing to do: another kind counts",
                (false, true) => AS_ROOT,
                (false, false) => remedy(kind),
            };
            let check = |trial: &SetTrial| check(trial, advice(trial.kind));
            trials.iter().map(check).collect()
        }
        Err(why) => vec![Check::new(Topic::Hooks, "every kind", Verdict::No, why).advise(ALL_FAIL)],
    }
}

/// What to do where not a single kind could be tried.
const ALL_FAIL: &str = "see the lines below that begin with `no`";

fn check(trial: &SetTrial, advice: &str) -> Check {
    let name = trial.kind.word();
    match &trial.outcome {
        Ok(found) if found.unavailable.is_empty() => {
            let why = format!("counts every byte; {}", attached(found));
            Check::new(Topic::Hooks, name, Verdict::Yes, why)
        }
        Ok(found) => {
            let why = format!("counts; {}; not seen: {}", attached(found), missing(found));
            Check::new(Topic::Hooks, name, Verdict::Partly, why)
        }
        Err(why) => Check::new(Topic::Hooks, name, Verdict::No, why).advise(advice),
    }
}

/// What has one reason is told together.
fn missing(found: &Provenance) -> String {
    let same_reason = found.unavailable.chunk_by(|one, next| one.why == next.why);
    let told = same_reason.map(|group| {
        let what: Vec<_> = group.iter().map(|missing| missing.what.as_str()).collect();
        let why = group.first().map_or("", |missing| missing.why.as_str());
        format!("{} ({why})", what.join("; "))
    });
    told.collect::<Vec<_>>().join("; ")
}

fn attached(found: &Provenance) -> String {
    let mut places: Vec<_> = found.hooks.iter().map(|hook| &hook.attach).collect();
    places.dedup();
    format!("hooks attached: {}", places.len())
}

fn remedy(kind: HookKind) -> &'static str {
    match kind {
        HookKind::Tracepoint => "use Linux 6.3 or later",
        HookKind::Fentry => {
            "use a kernel with BPF trampolines \
             (CONFIG_FUNCTION_TRACER, CONFIG_DEBUG_INFO_BTF)"
        }
        HookKind::Kprobe => "use a kernel with CONFIG_KPROBES and CONFIG_BPF_EVENTS",
    }
}
