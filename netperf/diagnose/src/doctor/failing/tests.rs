//! Failed connects made by hand: which findings come of them, and which do not?

use super::*;
use crate::doctor::Diagnosis;
use crate::doctor::Status;
use crate::doctor::tests::Scene;
use netperf_core::clock::MonoNs;
use netperf_core::fixtures::process;
use netperf_core::model::Model;
use netperf_core::sample::Sample;
use netperf_core::sample::latency::{LatencyReading, TimeSpan};

fn failed(errno: u8, remote: &str, count: u64) -> FailedConnect {
    FailedConnect {
        process: process(7, "worker"),
        errno,
        remote: remote.parse().unwrap(),
        netns: 70,
        count,
    }
}

fn judged<T>(failed: Vec<FailedConnect>, look: impl FnOnce(&Diagnosis, &Check) -> T) -> T {
    Scene::calm().with_failures(failed).judge(|doctor| {
        let mut checks = doctor.checks.iter();
        let check = checks.find(|check| check.topic == Topic::Failing);
        look(doctor, check.unwrap())
    })
}

#[test]
fn each_error_has_its_name_its_meaning_and_its_level() {
    for (errno, remote, count, status, what) in [
        (
            111,
            "10.0.0.9:80",
            20,
            Status::Critical,
            "worker (PID 7) is refused by 10.0.0.9:80: nothing",
        ),
        (
            111,
            "10.0.0.9:80",
            2,
            Status::Ok,
            "worker (PID 7) is refused by",
        ),
        (
            110,
            "10.0.0.9:80",
            3,
            Status::Warn,
            "gets no answer from 10.0.0.9:80: no answer came",
        ),
        (
            113,
            "10.0.0.9:80",
            3,
            Status::Warn,
            "can't reach 10.0.0.9:80: that host does not answer",
        ),
        (
            101,
            "10.0.0.9:80",
            30,
            Status::Critical,
            "can't reach 10.0.0.9:80: no route leads there",
        ),
        (
            101,
            "[2001:db8::1]:80",
            30,
            Status::Warn,
            "can't reach [2001:db8::1]:80",
        ),
        (
            13,
            "10.0.0.9:80",
            3,
            Status::Warn,
            "can't connect to 10.0.0.9:80: a rule",
        ),
    ] {
        judged(vec![failed(errno, remote, count)], |_, check| {
            assert_eq!(check.status, status, "{check:#?}");
            let found = &check.findings[0];
            assert!(found.what.contains(what), "{found:#?}");
            assert!(found.evidence.contains(&errno::name(errno)), "{found:#?}");
            assert!(!found.advice.is_empty());
        });
    }
}

#[test]
fn an_address_that_is_refused_while_the_other_family_works_at_once_is_no_trouble() {
    let reached = |remote: &str, count| {
        let mut model = Model::new(&Sample::default());
        model.advance(&Sample {
            at: MonoNs(11_000_000_000),
            latencies: vec![LatencyReading {
                process: process(7, "worker"),
                remote: remote.parse().unwrap(),
                kind: LatencyKind::Connect,
                counts: vec![TimeSpan {
                    from_us: 30,
                    to_us: 40,
                    count,
                }],
            }],
            ..Sample::default()
        });
        model
    };
    for (errno, remote, model, status) in [
        (111, "[::1]:8080", reached("127.0.0.1", 30), Status::Ok),
        (
            101,
            "[2001:db8::1]:443",
            reached("192.0.2.7", 40),
            Status::Ok,
        ),
        (
            111,
            "[::1]:8080",
            reached("127.0.0.1", 12),
            Status::Critical,
        ),
        (111, "[::1]:8080", reached("::2", 30), Status::Critical),
        (
            110,
            "[::1]:8080",
            reached("127.0.0.1", 30),
            Status::Critical,
        ),
    ] {
        let scene = Scene::calm().with_failures(vec![failed(errno, remote, 30)]);
        scene.judged(Ok(&model), |doctor| {
            let mut checks = doctor.checks.iter();
            let check = checks.find(|check| check.topic == Topic::Failing).unwrap();
            assert_eq!(check.status, status, "{errno} {remote}: {check:#?}");
        });
    }
}

#[test]
fn errors_are_summed_up_and_listed_and_ports_are_left_to_their_check() {
    let all = vec![
        failed(99, "10.0.0.9:80", 40),
        failed(111, "10.0.0.9:81", 4),
        failed(111, "10.0.0.9:82", 1),
    ];
    judged(all, |doctor, check| {
        let words = "connect failed with EADDRNOTAVAIL 40 times, ECONNREFUSED 5 times";
        assert!(check.evidence.ends_with(words), "{}", check.evidence);
        let rows: Vec<_> = doctor.failed_connects.iter().collect();
        let first = (rows[0].errno.as_str(), rows[0].count, rows[0].pid);
        assert_eq!((rows.len(), first), (3, ("EADDRNOTAVAIL", 40, 7)));
        assert!(
            check
                .findings
                .iter()
                .all(|it| it.what.contains("is refused"))
        );
    });
}
