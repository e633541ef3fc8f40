//! Which kinds of hooks does this kernel accept?

use super::{Check, Topic, Verdict};
use crate::collect::{HookKind, HookPreference, Provenance};
use crate::machine::{Machine, SetTrial};

/// The kind that would count, which is the first that was accepted.
pub(super) fn winner(
    machine: &Machine,
    wanted: HookPreference,
) -> Option<(HookKind, &Provenance)> {
    let trials = machine.hook_sets.as_ref().ok()?;
    let mut accepted = trials.iter().filter_map(|trial| {
        let found = trial.outcome.as_ref().ok()?;
        wanted.accepts(trial.kind).then_some((trial.kind, found))
    });
    accepted.next()
}

pub(super) fn checks(machine: &Machine, counts: bool) -> Vec<Check> {
    match &machine.hook_sets {
        Ok(trials) => trials.iter().map(|trial| check(trial, counts)).collect(),
        Err(why) => {
            let none = Check::new(Topic::Hooks, "every kind", Verdict::No, why);
            vec![none.needed()]
        }
    }
}

fn check(trial: &SetTrial, counts: bool) -> Check {
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
        Err(why) => {
            let refused = Check::new(Topic::Hooks, name, Verdict::No, why);
            if counts {
                refused.advise("nothing: another kind counts")
            } else {
                refused.advise(remedy(trial.kind))
            }
        }
    }
}

fn attached(found: &Provenance) -> String {
    let mut places: Vec<_> = found.hooks.iter().map(|hook| &hook.attach).collect();
    places.dedup();
    format!("attached to {} places", places.len())
}

fn remedy(kind: HookKind) -> &'static str {
    match kind {
        HookKind::Tracepoint => "run it with all capabilities below, on Linux 6.3 or later",
        HookKind::Fentry => {
            "run it with all capabilities below, on a kernel with BPF trampolines \
             (CONFIG_FUNCTION_TRACER, CONFIG_DEBUG_INFO_BTF)"
        }
        HookKind::Kprobe => {
            "run it with all capabilities below, on a kernel with CONFIG_KPROBES and CONFIG_BPF_EVENTS"
        }
    }
}
