//! Which kinds of hooks does this kernel accept?

use super::{AS_ROOT, Check, Topic, Verdict, lacks_rights};
use crate::collect::{HookKind, HookPreference, Provenance};
use crate::machine::{Machine, SetTrial};

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
            let missing: Vec<_> = found
                .unavailable
                .iter()
                .map(|missing| format!("{} ({})", missing.what, missing.why))
                .collect();
            let why = format!(
                "counts every byte; {}; not seen: {}",
                attached(found),
                missing.join("; ")
            );
            Check::new(Topic::Hooks, name, Verdict::Partly, why)
        }
        Err(why) => Check::new(Topic::Hooks, name, Verdict::No, why).advise(advice),
    }
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
