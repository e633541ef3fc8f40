use netperf_core::fixtures::{answered, query};
use netperf_core::model::dns_watch::{DnsQuery, QueryEnd};
use netperf_core::model::lookups::Lookups;
use netperf_core::sample::dns::Rcode;

use crate::doctor::tests::Scene;
use crate::doctor::{Check, Diagnosis, Status, Topic};

/// What is asked for.
const NAME: &str = "db.example";

fn scene(ends: &[(usize, QueryEnd)]) -> Scene {
    let mut lookups = Lookups::default();
    for &(count, end) in ends {
        for _ in 0..count {
            lookups.take(query(7, NAME, end));
        }
    }
    Scene::calm().with_lookups(Ok(lookups))
}

fn dns(doctor: &Diagnosis) -> &Check {
    let mut checks = doctor.checks.iter();
    checks.find(|check| check.topic == Topic::Dns).unwrap()
}

#[test]
fn fast_answers_are_evidence_that_it_is_not_dns() {
    scene(&[(20, answered(Rcode::NOERROR, 2)), (1, answered(Rcode::NXDOMAIN, 4))]).judge(|doctor| {
        let check = dns(doctor);
        assert_eq!(check.status, Status::Ok, "{check:#?}");
        assert_eq!(
            check.evidence,
            "21 queries: curl (PID 7) queried 10.0.0.1:53 21 times, half within 2.00 ms, 95 % within 2.00 ms"
        );
        assert_eq!((doctor.lookups[0].queries, doctor.lookups[0].no_name), (21, 1));
    });
    scene(&[]).judge(|doctor| {
        assert!(dns(doctor).evidence.starts_with("no lookup was seen"));
        assert!(doctor.lookups.is_empty());
    });
}

/// How queries end, how bad that is, and what is said.
type Case = (Vec<(usize, QueryEnd)>, Status, &'static str);

fn cases() -> Vec<Case> {
    let (fast, bad) = (answered(Rcode::NOERROR, 1), answered(Rcode::SERVFAIL, 1));
    vec![
        (
            vec![(3, answered(Rcode::NOERROR, 120))],
            Status::Warn,
            "is slow",
        ),
        (
            vec![(3, answered(Rcode::NOERROR, 1_200))],
            Status::Critical,
            "is slow",
        ),
        (
            vec![(1, answered(Rcode::NOERROR, 1_200))],
            Status::Warn,
            "is slow",
        ),
        (vec![(1, answered(Rcode::NOERROR, 300))], Status::Ok, ""),
        (
            vec![(99, fast), (1, answered(Rcode::NOERROR, 900))],
            Status::Ok,
            "",
        ),
        (
            vec![(3, bad)],
            Status::Critical,
            "fails for curl (PID 7): SERVFAIL",
        ),
        (vec![(90, fast), (3, bad)], Status::Warn, "SERVFAIL"),
        (vec![(90, fast), (2, bad)], Status::Ok, ""),
        (
            vec![(3, answered(Rcode::REFUSED, 1))],
            Status::Critical,
            "REFUSED",
        ),
        (
            vec![(3, QueryEnd::TimedOut)],
            Status::Critical,
            "gets no answer from",
        ),
        (
            vec![(1, QueryEnd::TimedOut)],
            Status::Warn,
            "gets no answer from",
        ),
        (
            vec![(50, fast), (1, QueryEnd::TimedOut)],
            Status::Warn,
            "not get every answer",
        ),
        (vec![(50, answered(Rcode::NXDOMAIN, 1))], Status::Ok, ""),
    ]
}

#[test]
fn how_bad_slow_failing_and_lost_answers_are() {
    for (ends, status, words) in cases() {
        scene(&ends).judge(|doctor| {
            let check = dns(doctor);
            assert_eq!(check.status, status, "{ends:?}: {check:#?}");
            let what = check.findings.first().map_or("", |it| it.what.as_str());
            assert!(
                what.contains(words) && (words.is_empty() == what.is_empty()),
                "{what}"
            );
        });
    }
}

#[test]
fn slow_names_are_named_with_what_to_do_before_what_comes_of_them() {
    scene(&[(4, answered(Rcode::NOERROR, 1_500))]).judge(|doctor| {
        assert_eq!(
            doctor.verdict,
            "DNS: curl (PID 7) waits long for names: resolver 10.0.0.1:53 is slow"
        );
        let advice = doctor.causes[0].finding.advice.join("\n");
        assert!(
            advice.contains("`netperf-trace dns db.example @10.0.0.1`"),
            "{advice}"
        );
        assert!(
            advice.contains("`netperf-trace dns --watch --pid 7`"),
            "{advice}"
        );
    });
    for after in [Topic::Failing, Topic::Loss, Topic::Delay] {
        assert!(Topic::Dns.rank() < after.rank());
    }
    assert!(Topic::Interfaces.rank() < Topic::Dns.rank());
}

#[test]
fn processes_of_one_name_count_together() {
    let mut lookups = Lookups::default();
    for tgid in 1..=4 {
        lookups.take(query(tgid, NAME, QueryEnd::TimedOut));
    }
    let mut scene = Scene::calm().with_lookups(Ok(lookups));
    scene.judge(|doctor| {
        assert_eq!(
            doctor.verdict,
            "DNS: curl (4 processes) gets no answer from resolver 10.0.0.1:53"
        );
    });
    scene.about = Some(3);
    scene.judge(|doctor| assert_eq!(doctor.lookups[0].pids, [3]));
}

#[test]
fn names_that_a_shell_would_read_are_not_put_into_a_command() {
    for name in ["$(reboot).example", "a`b", "--watch", ""] {
        let mut lookups = Lookups::default();
        for _ in 0..3 {
            lookups.take(DnsQuery {
                name: name.to_owned(),
                ..query(7, NAME, QueryEnd::TimedOut)
            });
        }
        let scene = Scene::calm().with_lookups(Ok(lookups));
        scene.judge(|doctor| {
            let advice = &doctor.causes[0].finding.advice[0];
            assert!(
                advice.contains("`netperf-trace dns NAME @10.0.0.1`"),
                "{advice}"
            );
        });
    }
}

#[test]
fn without_the_capture_it_is_skipped_and_says_why() {
    let scene = Scene::calm().with_lookups(Err("no cgroup v2"));
    scene.judge(|doctor| {
        let check = dns(doctor);
        assert_eq!(
            (check.status, check.evidence.as_str()),
            (Status::Skipped, "no cgroup v2")
        );
        assert_eq!(doctor.status, Status::Ok);
    });
}
