use netperf_core::fixtures::machine;
use netperf_core::machine::{Btf, CgroupVersion, Feature, Lockdown, Mounted, Outcome, Trial};

use super::*;

fn report(machine: &Machine) -> Preflight {
    wanting(machine, HookPreference::Auto)
}

fn wanting(machine: &Machine, hooks: HookPreference) -> Preflight {
    Preflight::new(machine, hooks)
}

fn check<'r>(report: &'r Preflight, name: &str) -> &'r Check {
    let found = report.checks.iter().find(|check| check.name == name);
    found.unwrap_or_else(|| panic!("nothing about {name}"))
}

#[test]
fn one_kind_of_hooks_is_enough_and_the_others_need_nothing_done() {
    let report = report(&machine());
    assert_eq!(
        (report.can_count, report.hooks),
        (true, Some(HookKind::Tracepoint))
    );
    assert_eq!(
        report.summary(),
        "it counts every byte here, with tracepoint hooks"
    );
    let fentry = check(&report, "fentry");
    assert_eq!(fentry.verdict, Verdict::No);
    assert!(fentry.advice.as_ref().unwrap().starts_with("nothing to do"));
}

#[test]
fn a_kind_that_was_asked_for_must_count_itself() {
    let report = wanting(&machine(), HookPreference::Fentry);
    assert_eq!((report.can_count, report.hooks), (false, None));
    assert!(report.summary().contains("the requested kind"));
    let advice = check(&report, "fentry").advice.clone().unwrap();
    assert!(advice.contains("trampolines"), "{advice}");
}

#[test]
fn hooks_that_see_less_count_partly_and_say_what_is_missing() {
    let mut machine = machine();
    let trials = machine.hook_sets.as_mut().unwrap();
    let found = trials[0].outcome.as_mut().unwrap();
    found
        .unavailable
        .push(netperf_core::sample::socket::Unseen {
            what: "retransmissions".to_owned(),
            why: "no such tracepoint".to_owned(),
        });
    let report = report(&machine);
    let partly = check(&report, "tracepoint");
    assert_eq!((partly.verdict, report.can_count), (Verdict::Partly, true));
    assert!(
        partly
            .why
            .contains("not seen: retransmissions (no such tracepoint)")
    );
}

#[test]
fn without_a_needed_capability_nothing_counts_and_root_is_the_advice() {
    let mut machine = machine();
    machine.rights[0].held = false;
    let report = report(&machine);
    assert!(!report.can_count);
    assert_eq!(report.summary(), "it can't count here without CAP_BPF");
    let right = check(&report, "CAP_BPF");
    assert_eq!((right.verdict, right.needed), (Verdict::No, true));
    assert_eq!(check(&report, "fentry").advice.as_deref(), Some(AS_ROOT));
}

#[test]
fn a_capability_for_details_is_not_needed() {
    let mut machine = machine();
    machine.rights[1].held = false;
    let report = report(&machine);
    assert!(report.can_count);
    let right = check(&report, "CAP_SYS_PTRACE");
    assert_eq!((right.verdict, right.needed), (Verdict::No, false));
}

#[test]
fn without_type_information_nothing_counts_and_it_says_so() {
    let mut machine = machine();
    machine.kernel.btf = Btf::Unreadable("no such file".to_owned());
    machine.hook_sets = Err("this kernel has no type information".to_owned());
    let report = report(&machine);
    assert!(!report.can_count);
    assert_eq!(report.summary(), "it can't count here without BTF");
}

#[test]
fn without_type_information_hooks_that_do_without_count_partly() {
    let mut machine = machine();
    machine.kernel.btf = Btf::Unreadable("no such file".to_owned());
    let trials = machine.hook_sets.as_mut().unwrap();
    let found = trials[0].outcome.as_mut().unwrap();
    for what in ["retransmissions", "round-trip times"] {
        found
            .unavailable
            .push(netperf_core::sample::socket::Unseen {
                what: what.to_owned(),
                why: "no types".to_owned(),
            });
    }
    let report = report(&machine);
    let btf = check(&report, "BTF");
    assert_eq!((btf.verdict, btf.needed), (Verdict::Partly, false));
    assert!(report.can_count);
    assert!(!report.summary().contains("every byte"));
    let hooks = check(&report, "tracepoint");
    let told = "not seen: retransmissions; round-trip times (no types)";
    assert!(hooks.why.ends_with(told), "{}", hooks.why);
}

#[test]
fn only_confidential_lockdown_keeps_it_from_counting() {
    let verdict = |lockdown| {
        let mut machine = machine();
        machine.kernel.lockdown = lockdown;
        check(&report(&machine), "lockdown").verdict
    };
    let level = |level: &str| Lockdown::Level(level.to_owned());
    assert_eq!(verdict(Lockdown::Absent), Verdict::Yes);
    assert_eq!(verdict(level("integrity")), Verdict::Yes);
    assert_eq!(verdict(level("confidentiality")), Verdict::No);
    assert_eq!(
        verdict(Lockdown::Unknown("EPERM".to_owned())),
        Verdict::Unknown
    );
}

#[test]
fn without_cgroup_v2_something_is_missing() {
    let verdict = |cgroups| {
        let mut machine = machine();
        machine.kernel.cgroups = cgroups;
        check(&report(&machine), "cgroups").verdict
    };
    assert_eq!(verdict(CgroupVersion::V2), Verdict::Yes);
    assert_eq!(verdict(CgroupVersion::Hybrid), Verdict::Yes);
    assert_eq!(verdict(CgroupVersion::V1), Verdict::Partly);
    assert_eq!(verdict(CgroupVersion::None), Verdict::Partly);
}

#[test]
fn what_could_not_be_tried_is_unknown_and_what_was_refused_is_not_there() {
    let mut machine = machine();
    machine.kernel.tracefs = Mounted::ReadOnly("/t".to_owned());
    machine.features = vec![
        Trial::of(Feature::Tbf, Err::<(), _>("not in this kernel")),
        Trial {
            feature: Feature::Veth,
            outcome: Outcome::Untried("no namespace".to_owned()),
        },
    ];
    let report = report(&machine);
    assert_eq!(check(&report, "tbf").verdict, Verdict::No);
    assert_eq!(check(&report, "veth").verdict, Verdict::Unknown);
    assert_eq!(check(&report, "tracefs").why, "read-only at /t; not needed");
}

#[test]
fn every_finding_that_is_not_as_it_should_be_says_what_to_do() {
    let mut machine = machine();
    machine
        .rights
        .iter_mut()
        .for_each(|right| right.held = false);
    machine.kernel = netperf_core::machine::KernelFacts::default();
    for trial in &mut machine.features {
        trial.outcome = Outcome::Refused("no".to_owned());
    }
    let report = report(&machine);
    for check in &report.checks {
        let fine = matches!(check.verdict, Verdict::Yes);
        assert!(fine || check.advice.is_some(), "{check:?}");
    }
    assert!(
        report
            .checks
            .iter()
            .any(|check| check.verdict != Verdict::Yes)
    );
}
