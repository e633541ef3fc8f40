use std::sync::Arc;

use netperf_core::clock::MonoNs;
use netperf_core::fixtures::{process, socket};
use netperf_core::sample::pressure::{
    CpuTimes, KernelTables, Memory, PressureSample, ProcessStrain, Stalls,
};
use netperf_core::sample::refusal::FailedConnect;
use netperf_core::sample::socket::{SocketOwner, SocketOwners, SocketReading, TcpInfo};
use netperf_core::sample::{Sample, TcpState};

use super::*;

const LENGTH: Duration = Duration::from_secs(10);

/// Everything that a verdict is made of; calm unless changed.
pub(super) struct Scene {
    before: PressureSample,
    after: PressureSample,
    first: SocketSample,
    last: SocketSample,
    lookups: Result<Lookups, &'static str>,
    pub(super) about: Option<u32>,
}

impl Scene {
    pub(super) fn calm() -> Self {
        let pressure = |second: u64| PressureSample {
            at: MonoNs(second * 1_000_000_000),
            cpu: CpuTimes {
                busy: 10 * second,
                idle: 190 * second,
                ..CpuTimes::default()
            },
            processors: 2,
            stalls: Stalls {
                cpu_some: Some(0),
                io_some: Some(0),
                io_full: Some(0),
                memory_some: Some(0),
                memory_full: Some(0),
            },
            memory: Memory {
                total_kib: Some(1_024_000),
                available_kib: Some(512_000),
                ..Memory::default()
            },
            processes: vec![ProcessStrain {
                tgid: 7,
                name: "worker".to_owned(),
                ..ProcessStrain::default()
            }],
            tables: KernelTables {
                conntrack: Some(10),
                conntrack_max: Some(1_000),
                conntrack_drops: Some(0),
                ..KernelTables::default()
            },
        };
        let look = |second: u64| SocketSample {
            at: MonoNs(second * 1_000_000_000),
            wall: WallNs(1),
            ..SocketSample::default()
        };
        Self {
            before: pressure(1),
            after: pressure(11),
            first: look(1),
            last: look(11),
            lookups: Ok(Lookups::default()),
            about: None,
        }
    }

    pub(super) fn with_lookups(self, lookups: Result<Lookups, &'static str>) -> Self {
        Self { lookups, ..self }
    }

    pub(super) fn with_failures(mut self, failed: Vec<FailedConnect>) -> Self {
        self.last.refusals.failed = Some(failed);
        self
    }

    /// Connections of `worker` at both ends of the time.
    fn with_sockets(mut self, first: Vec<SocketReading>, last: Vec<SocketReading>) -> Self {
        let owner = || {
            SocketOwners::new(vec![SocketOwner {
                inode: 7,
                fd: 3,
                process: process(7, "worker"),
            }])
        };
        (self.first.sockets, self.first.owners) = (first, owner());
        (self.last.sockets, self.last.owners) = (last, owner());
        self
    }

    fn judged<T>(&self, traffic: Result<&Model, &str>, look: impl FnOnce(&Doctor<'_>) -> T) -> T {
        let mut pressure = Pressure::new(self.before.clone());
        pressure.end(self.after.clone());
        let mut states = StatesModel::default();
        states.advance(&self.first, &|_| true);
        states.advance(&self.last, &|_| true);
        let nics = NicModel::default();
        let measured = Measured {
            wall: WallNs(1),
            length: LENGTH,
            pressure: &pressure,
            nics: &nics,
            states: &states,
            traffic,
            lookups: self.lookups.as_ref().map_err(|why| *why),
            first: &self.first,
            last: &self.last,
            unseen: &[],
            namespaces: None,
            about: self.about,
        };
        look(&Doctor::new(&measured))
    }

    /// With hooks that saw nothing.
    pub(super) fn judge<T>(&self, look: impl FnOnce(&Doctor<'_>) -> T) -> T {
        let mut model = Model::new(&Sample::default());
        model.advance(&Sample {
            at: MonoNs(11_000_000_000),
            ..Sample::default()
        });
        self.judged(Ok(&model), look)
    }
}

/// A connection of `worker` that was sending.
fn sending(busy_us: u64, rwnd_limited_us: u64, sndbuf_limited_us: u64) -> SocketReading {
    SocketReading {
        tcp: Some(Box::new(TcpInfo {
            srtt_us: Some(1_500),
            cwnd: Some(10),
            busy_us: Some(busy_us),
            rwnd_limited_us: Some(rwnd_limited_us),
            sndbuf_limited_us: Some(sndbuf_limited_us),
            ..TcpInfo::default()
        })),
        ..socket(TcpState::Established, 7, "10.0.0.5:4000", "10.0.0.9:873")
    }
}

fn about_worker(first: SocketReading, last: SocketReading) -> Scene {
    let mut scene = Scene::calm().with_sockets(vec![first], vec![last]);
    scene.about = Some(7);
    scene
}

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
fn a_process_waits_for_what_it_waited_for_most() {
    let begun = || sending(1_000_000, 0, 0);
    for (last, verdict) in [
        (
            sending(9_000_000, 7_000_000, 0),
            "worker (PID 7) waits for the receiver: 10.0.0.9:873",
        ),
        (
            sending(9_000_000, 0, 7_000_000),
            "worker (PID 7) waits for its own send buffer",
        ),
        (
            sending(9_000_000, 0, 0),
            "worker (PID 7) waits for the network: the way to 10.0.0.9:873",
        ),
        (
            sending(1_100_000, 0, 0),
            "worker (PID 7) does not wait for the network",
        ),
    ] {
        about_worker(begun(), last).judge(|doctor| {
            assert!(doctor.verdict.starts_with(verdict), "{}", doctor.verdict);
        });
    }
}

#[test]
fn a_process_that_does_not_read_waits_for_itself() {
    let full = || SocketReading {
        recv_q: 65_536,
        ..sending(0, 0, 0)
    };
    about_worker(full(), full()).judge(|doctor| {
        assert_eq!(
            doctor.verdict,
            "worker (PID 7) does not read what 10.0.0.9:873 has sent: it waits for itself"
        );
        assert_eq!(doctor.status, Status::Warn);
    });
    let reading = |bytes| {
        let mut reading = full();
        if let Some(tcp) = &mut reading.tcp {
            tcp.bytes_received = Some(bytes);
        }
        reading
    };
    about_worker(reading(0), reading(10_000_000)).judge(|doctor| {
        assert_eq!(
            doctor.status,
            Status::Ok,
            "a busy reader reads: {doctor:#?}"
        );
    });
}

#[test]
fn an_answer_that_does_not_come_is_waited_for_at_the_other_end() {
    let asked = |sent_ms: u32| {
        let mut asked = sending(0, 0, 0);
        if let Some(tcp) = &mut asked.tcp {
            tcp.bytes_acked = Some(500);
            tcp.last_sent_ms = Some(sent_ms);
            tcp.last_received_ms = Some(sent_ms + 200);
        }
        asked
    };
    let answer = "worker (PID 7) waits for an answer of 10.0.0.9:873";
    for (sent_ms, status) in [(8_000, Status::Warn), (3_600_000, Status::Ok)] {
        about_worker(asked(sent_ms), asked(sent_ms)).judge(|doctor| {
            assert_eq!((doctor.verdict.as_str(), doctor.status), (answer, status));
        });
    }
    let mut serving = about_worker(asked(8_000), asked(8_000));
    serving.last.sockets.push(SocketReading {
        cookie: 2,
        ..socket(TcpState::Listen, 7, "0.0.0.0:4000", "0.0.0.0:0")
    });
    serving.judge(|doctor| assert_eq!(doctor.status, Status::Ok, "a client may rest: {doctor:#?}"));
}

#[test]
fn a_process_without_connections_is_told_to_have_none() {
    let mut scene = Scene::calm();
    scene.about = Some(7);
    scene.judge(|doctor| {
        assert_eq!(
            doctor.verdict,
            "worker (PID 7) has no TCP connection that can be seen"
        );
        assert_eq!(doctor.status, Status::Ok);
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
        });
    };
    measured(None, None, &|it| assert!(it.takes(&in_7, Some(71))));
    measured(Some(&[70]), None, &|it| {
        assert!(it.takes(&in_7, None) && it.takes(&in_7, Some(0)));
        assert!(!it.takes(&in_7, Some(71)));
    });
    measured(None, Some(8), &|it| assert!(!it.takes(&in_7, None)));
}
