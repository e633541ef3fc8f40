use std::sync::Arc;

use netperf_core::fixtures::{process, socket};
use netperf_core::sample::TcpState;
use netperf_core::sample::socket::SocketReading;

use super::*;

#[test]
fn an_interface_in_trouble_comes_before_what_it_loses_and_not_before_the_rest() {
    let cause = |topic, level| Cause {
        topic,
        finding: Finding::new(level, String::new(), String::new(), &[]),
    };
    let mut causes = vec![
        cause(Topic::Loss, Level::Critical),
        cause(Topic::Delay, Level::Critical),
        cause(Topic::Interfaces, Level::Warn),
        cause(Topic::Ports, Level::Critical),
    ];
    in_order(&mut causes);
    let order: Vec<_> = causes.iter().map(|cause| cause.topic).collect();
    let expected = [Topic::Ports, Topic::Interfaces, Topic::Loss, Topic::Delay];
    assert_eq!(order, expected);
    causes.retain(|cause| cause.topic != Topic::Interfaces);
    in_order(&mut causes);
    assert_eq!(causes[0].topic, Topic::Ports);
    assert_eq!(causes[1].topic, Topic::Loss);
}

#[test]
fn saturated_processors_come_before_the_clients_that_wait_for_programs() {
    let cause = |topic, level| Cause {
        topic,
        finding: Finding::new(level, String::new(), String::new(), &[]),
    };
    let mut causes = vec![
        cause(Topic::Listen, Level::Critical),
        cause(Topic::Delay, Level::Warn),
        cause(Topic::Cpu, Level::Warn),
        cause(Topic::Ports, Level::Warn),
        cause(Topic::Failing, Level::Critical),
    ];
    in_order(&mut causes);
    let order: Vec<_> = causes.iter().map(|cause| cause.topic).collect();
    let expected = [
        Topic::Failing,
        Topic::Ports,
        Topic::Cpu,
        Topic::Listen,
        Topic::Delay,
    ];
    assert_eq!(order, expected);
    causes.retain(|cause| cause.topic != Topic::Cpu);
    in_order(&mut causes);
    assert_eq!(causes[0].topic, Topic::Listen);
}

#[test]
fn a_calm_machine_has_nothing_wrong() {
    Scene::calm().judge(|doctor| {
        assert_eq!(doctor.status, Status::Ok, "{doctor:#?}");
        assert_eq!(
            doctor.verdict,
            "nothing wrong was found: neither in the network nor in the machine"
        );
        let topics: Vec<_> = doctor.checks.iter().map(|check| check.topic).collect();
        assert!(topics.is_sorted(), "{topics:?}");
    });
}

#[test]
fn what_could_not_be_checked_is_said_and_is_no_trouble() {
    Scene::calm().judged(Err("no BTF"), |doctor| {
        assert_eq!(doctor.status, Status::Ok);
        assert!(
            doctor
                .verdict
                .ends_with("but 3 of 15 checks could not be made"),
            "{}",
            doctor.verdict
        );
        let loss = doctor
            .checks
            .iter()
            .find(|check| check.topic == Topic::Loss)
            .unwrap();
        assert_eq!(
            (loss.status, loss.evidence.as_str()),
            (Status::Skipped, "no BTF")
        );
    });
}

#[test]
fn busy_processors_are_not_the_network_and_have_a_name() {
    let mut scene = Scene::calm();
    scene.after.cpu.busy = 2_000;
    scene.after.cpu.idle = 200;
    scene.after.stalls.cpu_some = Some(8_000_000);
    scene.after.processes[0].cpu = 1_900;
    scene.judge(|doctor| {
        assert_eq!(
            doctor.verdict,
            "not the network: the processors are busy all the time, most of all by worker (PID 7)"
        );
        let evidence = &doctor.causes[0].finding.evidence;
        assert!(
            evidence.contains("programs had to wait for one 80 % of the time"),
            "{evidence}"
        );
        assert!(
            evidence.ends_with("worker (PID 7) 190 % of a processor"),
            "{evidence}"
        );
    });
}

#[test]
fn a_pile_that_is_not_closed_is_named_before_what_else_is_wrong() {
    let pile = |count: u32| -> Vec<_> {
        let one = |at: u32| SocketReading {
            cookie: u64::from(at),
            ..socket(
                TcpState::CloseWait,
                7,
                &format!("10.0.0.5:{}", 1_000 + at),
                "10.0.0.9:443",
            )
        };
        (0..count).map(one).collect()
    };
    let mut scene = Scene::calm().with_sockets(pile(20), pile(220));
    scene.after.tables.conntrack = Some(900);
    scene.judge(|doctor| {
        assert_eq!(doctor.status, Status::Critical);
        assert_eq!(
            doctor.verdict,
            "worker (PID 7) does not close 220 connections that the other end has closed"
        );
        assert_eq!(doctor.causes[0].topic, Topic::Closing);
        assert!(
            doctor.causes[0]
                .finding
                .evidence
                .contains("+20.0 per second")
        );
        assert_eq!(doctor.causes[1].topic, Topic::Tables);
    });
}

#[test]
fn a_full_table_of_the_firewall_is_critical() {
    let mut scene = Scene::calm();
    scene.after.tables.conntrack_drops = Some(40);
    scene.judge(|doctor| assert_eq!(doctor.status, Status::Ok, "{doctor:#?}"));
    scene.after.tables.conntrack = Some(990);
    scene.judge(|doctor| {
        assert_eq!(doctor.status, Status::Critical);
        assert!(
            doctor.verdict.contains("table of connections is full"),
            "{}",
            doctor.verdict
        );
        assert!(
            doctor.causes[0]
                .finding
                .evidence
                .ends_with("40 packets dropped")
        );
    });
}

#[test]
fn only_what_is_asked_about_is_taken() {
    let scene = Scene::calm();
    scene.judge(|_| ());
    let worker = Arc::unwrap_or_clone(process(7, "worker"));
    let in_7 = Process {
        netns: Some(70),
        ..worker
    };
    let measured = |namespaces, about, check: &dyn Fn(&Measured<'_>)| {
        let pressure = Pressure::default();
        let (states, nics) = (StatesModel::default(), NicModel::default());
        check(&Measured {
            wall: WallNs(1),
            length: LENGTH,
            pressure: &pressure,
            nics: &nics,
            states: &states,
            traffic: Err(""),
            lookups: Err(""),
            first: &scene.first,
            last: &scene.last,
            unseen: &[],
            namespaces,
            about,
            units: Units::Auto,
        });
    };
    measured(None, None, &|it| assert!(it.takes(&in_7, Some(71))));
    measured(Some(&[70]), None, &|it| {
        assert!(it.takes(&in_7, None) && it.takes(&in_7, Some(0)));
        assert!(!it.takes(&in_7, Some(71)));
    });
    measured(None, Some(8), &|it| assert!(!it.takes(&in_7, None)));
}

#[test]
fn the_period_is_named_and_names_of_processes_are_left_alone() {
    let unclosed = || {
        let mut all = vec![socket(TcpState::Listen, 7, "0.0.0.0:80", "0.0.0.0:0")];
        all.extend((0..150).map(|cookie| SocketReading {
            cookie,
            ..socket(TcpState::CloseWait, 7, "10.0.0.5:80", "10.0.0.9:4000")
        }));
        all
    };
    let mut scene = Scene::calm().with_sockets(unclosed(), unclosed());
    let named = || {
        SocketOwners::new(vec![SocketOwner {
            inode: 7,
            fd: 3,
            process: process(7, "in this tick"),
        }])
    };
    (scene.first.owners, scene.last.owners) = (named(), named());
    scene.judge(|doctor| {
        let check = |topic| doctor.checks.iter().find(|it| it.topic == topic).unwrap();
        let interfaces = check(Topic::Interfaces);
        assert!(
            interfaces.evidence.ends_with("0 drops in 10 s"),
            "{interfaces:#?}"
        );
        let closing = &check(Topic::Closing).findings[0];
        assert!(
            closing
                .what
                .starts_with("in this tick (PID 7) does not close"),
            "{closing:#?}"
        );
        assert!(
            closing.evidence.contains("no more than before that"),
            "{closing:#?}"
        );
    });
}
