//! Which rights and features are there, and who misses those that are not?

use netperf_core::machine::{Feature, HeldRight, Machine, Outcome, Trial};

use super::{AS_ROOT, Check, Topic, Verdict, lacks_rights};

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

/// What a feature is good for.
struct Use {
    topic: Topic,
    purpose: &'static str,
    /// What to do without it.
    advice: &'static str,
}

pub(super) fn features(machine: &Machine) -> Vec<Check> {
    let check = |trial: &Trial| {
        let used = used(trial.feature);
        let advice = if lacks_rights(machine) {
            AS_ROOT
        } else {
            used.advice
        };
        check(trial, &used, advice)
    };
    machine.features.iter().map(check).collect()
}

fn check(trial: &Trial, used: &Use, advice: &str) -> Check {
    let check = |verdict, why: String| Check::new(used.topic, trial.feature.name(), verdict, why);
    match &trial.outcome {
        Outcome::Works => check(Verdict::Yes, format!("works; {}", used.purpose)),
        Outcome::Refused(why) => {
            check(Verdict::No, format!("{why}; {}", used.purpose)).advise(advice)
        }
        Outcome::Untried(why) => check(Verdict::Unknown, why.clone()).advise(AS_ROOT),
    }
}

/// The first choice for limits is a queue of the tool's own: tcx, veth and TBF. The other features
/// take the place of one of these.
fn used(feature: Feature) -> Use {
    let counting = |purpose, advice| Use {
        topic: Topic::Counting,
        purpose,
        advice,
    };
    let shaping = |purpose, advice| Use {
        topic: Topic::Shaping,
        purpose,
        advice,
    };
    match feature {
        Feature::RingBuffer => counting(
            "a ring buffer reports which counters moved",
            "use Linux 5.8 or later",
        ),
        Feature::SocketStorage => counting(
            "keeps what is known of a socket with it; kprobes do without",
            "use Linux 5.11 or later",
        ),
        Feature::InetDiag => Use {
            topic: Topic::Listing,
            purpose: "lists sockets with their states",
            advice: "load the modules `inet_diag` and `tcp_diag`",
        },
        Feature::SchedCls => shaping(
            "programs that lead packets to a queue",
            "use a kernel with CONFIG_BPF_SYSCALL and CONFIG_NET",
        ),
        Feature::CgroupSock => shaping(
            "programs that mark new sockets, and see the end of UDP sockets",
            "use a kernel with CONFIG_CGROUP_BPF",
        ),
        Feature::Tcx => shaping(
            "puts programs at the packets of interfaces",
            "use Linux 6.6 or later, or do with clsact and cls_bpf",
        ),
        Feature::Veth => shaping("holds the queue", "load the module `veth`"),
        Feature::Tbf => shaping("is the queue", "load the module `sch_tbf`, or do with htb"),
        Feature::Htb => shaping("can stand in for tbf", "nothing to do where tbf is there"),
        Feature::Clsact | Feature::ClsBpf => {
            shaping("can stand in for tcx", "nothing to do where tcx is there")
        }
        Feature::Ifb | Feature::Ingress | Feature::ClsU32 | Feature::ActMirred => shaping(
            "other tools shape with it",
            "nothing to do: limits do without",
        ),
        Feature::Fq | Feature::FqCodel => shaping(
            "paces single connections",
            "nothing to do: only pacing needs it",
        ),
        Feature::Netem => shaping(
            "makes delay and loss for trials",
            "nothing to do: only trials need it",
        ),
    }
}
