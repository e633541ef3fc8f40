//! Which rights and features are there, and who misses those that are not?

use super::{AS_ROOT, Check, Topic, Verdict, lacks_rights};
use crate::machine::{HeldRight, Machine, Outcome, Trial};

pub(super) fn rights(machine: &Machine) -> Vec<Check> {
    machine.rights.iter().map(right).collect()
}

fn right(right: &HeldRight) -> Check {
    let name = right.capability.to_string();
    let check = |verdict, why| Check {
        needed: right.required,
        ..Check::new(Topic::Capabilities, name, verdict, why)
    };
    if right.held {
        check(Verdict::Yes, format!("held, {}", right.purpose))
    } else {
        check(Verdict::No, format!("missing, needed {}", right.purpose)).advise(AS_ROOT)
    }
}

pub(super) fn counting(machine: &Machine) -> Vec<Check> {
    let used = |trial: &Trial| match trial.name {
        "ring buffer" => ("tells which counters moved", "use Linux 5.8 or later"),
        _ => (
            "keeps what is known of a socket with it; kprobes do without",
            "use Linux 5.11 or later",
        ),
    };
    let check = |trial| {
        let (purpose, advice) = used(trial);
        let advice = if lacks_rights(machine) {
            AS_ROOT
        } else {
            advice
        };
        check(Topic::Counting, trial, purpose, advice)
    };
    machine.counting.iter().map(check).collect()
}

pub(super) fn listing(machine: &Machine) -> Vec<Check> {
    let check = |trial| {
        let (purpose, advice) = (
            "lists sockets with their states",
            "load the module `tcp_diag`",
        );
        check(Topic::Listing, trial, purpose, advice)
    };
    machine.listing.iter().map(check).collect()
}

pub(super) fn shaping(machine: &Machine) -> Vec<Check> {
    let check = |trial: &Trial| {
        let (purpose, advice) = shapes(trial.name);
        check(Topic::Shaping, trial, purpose, advice)
    };
    machine.shaping.iter().map(check).collect()
}

/// What a feature does for limits, and what to do without it. The first choice is a queue of the
/// tool's own: tcx, veth and TBF. The others take the place of one of these.
fn shapes(name: &str) -> (&'static str, &'static str) {
    match name {
        "veth" => ("holds the queue", "load the module `veth`"),
        "tbf" => ("is the queue", "load the module `sch_tbf`, or do with HTB"),
        "programs at interfaces (tcx)" => (
            "leads packets to the queue",
            "use Linux 6.6 or later, or do with clsact and cls_bpf",
        ),
        "htb" => ("takes the place of TBF", "nothing to do where TBF is there"),
        "ifb" | "act_mirred" | "clsact" | "cls_bpf" | "ingress" | "cls_u32" => {
            ("takes the place of tcx", "nothing to do where tcx is there")
        }
        "fq" | "fq_codel" => (
            "paces single connections",
            "nothing to do: only pacing needs it",
        ),
        "netem" => (
            "makes delay and loss for trials",
            "nothing to do: only trials need it",
        ),
        _ => ("marks and leads packets of one process", AS_ROOT),
    }
}

fn check(topic: Topic, trial: &Trial, purpose: &str, advice: &str) -> Check {
    match &trial.outcome {
        Outcome::Works => Check::new(
            topic,
            trial.name,
            Verdict::Yes,
            format!("works; it {purpose}"),
        ),
        Outcome::Refused(why) => Check::new(
            topic,
            trial.name,
            Verdict::No,
            format!("{why}; it {purpose}"),
        )
        .advise(advice),
        Outcome::Untried(why) => {
            Check::new(topic, trial.name, Verdict::Unknown, why).advise(AS_ROOT)
        }
    }
}
