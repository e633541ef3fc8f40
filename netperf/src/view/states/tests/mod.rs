mod refused;

use netperf_core::clock::{MonoNs, WallNs};
use netperf_core::fixtures::{NETNS, process, socket};
use netperf_core::sample::network::{NetworkReading, PortRange};
use netperf_core::sample::socket::{
    SocketMemory, SocketOwner, SocketOwners, TcpInfo, Timer, TimerKind,
};
use regex::Regex;

use super::*;

const DATABASE: &str = "10.0.0.10:5432";
const NOBODY: &str = "0.0.0.0:0";
/// Ports of the range of [`look`].
const PORTS: u32 = 1_000;

fn everything() -> StatesOptions {
    StatesOptions {
        states: StateSet::ALL,
        port: None,
        remote: None,
        processes: ProcessQuery::default(),
    }
}

/// A look at these sockets. Inode 7 is of `worker`, 8 of `nginx`.
fn look(second: u64, sockets: Vec<SocketReading>) -> SocketSample {
    let owner = |inode, fd, tgid, name| SocketOwner {
        inode,
        fd,
        process: process(tgid, name),
    };
    let mut network = NetworkReading {
        netns: NETNS,
        ports: Some(PortRange {
            first: 40_000,
            last: 40_999,
            reserved: Vec::new(),
        }),
        ..NetworkReading::default()
    };
    network.settings.tw_reuse = Some(2);
    network.settings.timestamps = Some(1);
    network.settings.somaxconn = Some(4_096);
    SocketSample {
        at: MonoNs(second * 1_000_000_000),
        wall: WallNs(1),
        sockets,
        owners: SocketOwners::new(vec![
            owner(7, 3, 8_821, "worker"),
            owner(8, 6, 412, "nginx"),
        ]),
        networks: vec![network],
        own_namespace: Some(NETNS),
        ..SocketSample::default()
    }
}

fn model(looks: &[SocketSample], options: &StatesOptions) -> StatesModel {
    let mut model = StatesModel::default();
    for look in looks {
        model.advance(look, &|socket| options.takes(look, socket));
    }
    model
}

/// TIME_WAIT on the first ports of the range, with so many milliseconds left.
fn over(count: u32, remote: &str, left_ms: u32) -> Vec<SocketReading> {
    let timer = Some(Timer {
        kind: TimerKind::Timewait,
        expires_ms: left_ms,
        retransmits: 0,
    });
    let one = |at| {
        let local = format!("10.0.0.5:{}", 40_000 + at);
        SocketReading {
            timer,
            ..socket(TcpState::TimeWait, 0, &local, remote)
        }
    };
    (0..count).map(one).collect()
}

/// Connections of `nginx` that the other end closed.
fn unclosed(count: u32, idle_ms: u32) -> Vec<SocketReading> {
    let one = |at| SocketReading {
        cookie: u64::from(at),
        tcp: Some(Box::new(TcpInfo {
            last_acked_ms: Some(idle_ms),
            ..TcpInfo::default()
        })),
        ..socket(TcpState::CloseWait, 8, "10.0.0.5:443", "192.0.2.7:50000")
    };
    let mut sockets = vec![socket(TcpState::Listen, 8, "0.0.0.0:443", NOBODY)];
    sockets.extend((0..count).map(one));
    sockets
}

fn findings(looks: &[SocketSample]) -> Vec<Finding> {
    let options = everything();
    let model = model(looks, &options);
    StatesTick::new(&model, &options).findings
}

/// The first finding that says so.
fn found(looks: &[SocketSample], what: &str) -> Finding {
    let findings = findings(looks);
    let mut all = findings.iter();
    let found = all.find(|finding| finding.what.contains(what));
    found.unwrap_or_else(|| panic!("{findings:#?}")).clone()
}

fn advises(finding: &Finding, words: &str) -> bool {
    finding.advice.iter().any(|advice| advice.contains(words))
}

#[test]
fn ports_are_counted_against_their_range() {
    let mut sockets = over(300, DATABASE, 1_000);
    sockets.push(socket(TcpState::Established, 7, "10.0.0.5:40999", DATABASE));
    let options = everything();
    let model = model(&[look(1, sockets)], &options);
    let tick = StatesTick::new(&model, &options);
    let row = &tick.time_wait[0];
    assert_eq!((row.time_wait, row.in_use), (300, 301));
    assert_eq!((row.ports, row.headroom), (Some(PORTS), Some(699)));
    assert_eq!((row.growth_per_s, row.exhausted_in_s), (None, None));
    let likely: Vec<_> = row.likely.iter().map(|it| it.process.pid).collect();
    assert_eq!(likely, [8_821]);
}

#[test]
fn ports_that_go_faster_than_they_come_back_are_exhausted_in_time() {
    let options = everything();
    let row = |first: u32, then: u32| {
        let looks = [
            look(1, over(first, DATABASE, 59_500)),
            look(3, over(then, DATABASE, 59_500)),
        ];
        let model = model(&looks, &options);
        let row = StatesTick::new(&model, &options).time_wait[0].clone();
        (row.growth_per_s, row.exhausted_in_s)
    };
    // 100 a second would be 6 000 after a minute.
    assert_eq!(row(200, 400), (Some(100.0), Some(6.0)));
    // 2 a second are 120 after a minute, and then no more.
    assert_eq!(row(10, 14), (Some(2.0), None));
    assert_eq!(row(400, 200).1, None);
    assert_eq!(row(1_000, 1_000), (Some(0.0), Some(0.0)));
}

#[test]
fn open_connections_never_level_off() {
    let open = |count: u32| {
        let sockets = (0..count).map(|at| {
            let local = format!("10.0.0.5:{}", 40_000 + at);
            socket(TcpState::Established, 7, &local, DATABASE)
        });
        sockets.collect::<Vec<_>>()
    };
    let options = everything();
    let looks = [look(1, open(10)), look(2, open(12))];
    let model = model(&looks, &options);
    let row = &StatesTick::new(&model, &options).time_wait[0];
    assert_eq!(row.exhausted_in_s, Some(494.0));
}

#[test]
fn time_wait_with_room_is_healthy_and_says_so() {
    let finding = found(&[look(1, over(300, DATABASE, 1_000))], "healthy");
    assert_eq!(finding.level, Level::Ok);
    assert!(
        finding
            .evidence
            .contains("300 of 1 000 ports to 10.0.0.10:5432")
    );
    assert!(advises(&finding, "nothing to do"));
}

#[test]
fn ports_that_run_out_are_advised_upon_in_a_sensible_order() {
    for (count, level) in [
        (800, Level::Warn),
        (950, Level::Critical),
        (1_000, Level::Critical),
    ] {
        let finding = found(&[look(1, over(count, DATABASE, 1_000))], DATABASE);
        assert_eq!(finding.level, level, "{count}");
        let at = |words: &str| {
            let mut advice = finding.advice.iter();
            advice.position(|advice| advice.contains(words)).unwrap()
        };
        let reuse = at("sysctl -w net.ipv4.tcp_tw_reuse=1");
        let range = at("sysctl -w net.ipv4.ip_local_port_range='15000 64999'");
        assert!(
            at("connection pool") < reuse && reuse < range,
            "{finding:#?}"
        );
        assert!(at("do not set tcp_tw_recycle") > range, "{finding:#?}");
        assert!(
            finding.advice[reuse].contains("/etc/sysctl.d/"),
            "{finding:#?}"
        );
    }
}

#[test]
fn ports_that_go_fast_are_warned_of_when_a_part_is_taken() {
    let level = |first: u32, then: u32| {
        let looks = [
            look(1, over(first, DATABASE, 59_500)),
            look(2, over(then, DATABASE, 59_500)),
        ];
        findings(&looks)[0].level
    };
    assert_eq!(level(0, 200), Level::Ok);
    assert_eq!(level(200, 400), Level::Warn);
    assert_eq!(level(600, 810), Level::Critical);
}

#[test]
fn ports_that_the_kernel_gives_out_again_are_no_catastrophe() {
    let to = |remote: &str, reuse| {
        let mut look = look(1, over(1_000, remote, 1_000));
        look.networks[0].settings.tw_reuse = Some(reuse);
        found(&[look], remote)
    };
    let reused = to(DATABASE, 1);
    assert_eq!(reused.level, Level::Warn);
    assert!(
        !advises(&reused, "sysctl -w net.ipv4.tcp_tw_reuse"),
        "{reused:#?}"
    );
    assert_eq!(to(DATABASE, 2).level, Level::Critical);
    assert_eq!(to("127.0.0.1:5432", 2).level, Level::Warn);
    assert_eq!(to("127.0.0.1:5432", 0).level, Level::Critical);
}

#[test]
fn where_the_range_is_not_known_nothing_is_said_of_ports() {
    let mut look = look(1, over(1_000, DATABASE, 1_000));
    look.networks.clear();
    let options = everything();
    let model = model(&[look], &options);
    let tick = StatesTick::new(&model, &options);
    assert_eq!(
        (tick.time_wait[0].ports, tick.time_wait[0].headroom),
        (None, None)
    );
    assert_eq!(tick.findings.len(), 1, "{:#?}", tick.findings);
}

#[test]
fn settings_of_another_namespace_are_changed_in_it() {
    let mut look = look(1, over(1_000, DATABASE, 1_000));
    look.sockets
        .push(socket(TcpState::Established, 7, "10.0.0.5:900", DATABASE));
    look.own_namespace = Some(1);
    let finding = found(&[look], DATABASE);
    assert!(
        advises(&finding, "`nsenter --target 8821 --net sysctl -w"),
        "{finding:#?}"
    );
    assert!(!advises(&finding, "/etc/sysctl.d"), "{finding:#?}");
}

#[test]
fn time_wait_of_a_server_takes_up_no_port() {
    let mut sockets = unclosed(0, 0);
    sockets.push(socket(
        TcpState::TimeWait,
        0,
        "10.0.0.5:443",
        "192.0.2.7:50000",
    ));
    let finding = found(&[look(1, sockets)], "takes up no port");
    assert_eq!(finding.level, Level::Ok);
    assert!(
        finding
            .evidence
            .contains("likely of nginx (PID 412), which listens")
    );
}

#[test]
fn connections_that_are_not_closed_have_a_culprit() {
    let looks = [
        look(1, unclosed(150, 90_000)),
        look(3, unclosed(160, 92_000)),
    ];
    let finding = found(&looks, "does not close");
    assert_eq!(finding.level, Level::Critical);
    assert_eq!(
        finding.what,
        "nginx (PID 412) does not close 160 connections that the other end has closed"
    );
    for figure in [
        "160 in CLOSE_WAIT",
        "at least 92 s",
        "+5.0 per second",
        "192.0.2.7 (160, they called port 443)",
        "open files 6, ",
    ] {
        assert!(
            finding.evidence.contains(figure),
            "{figure}: {}",
            finding.evidence
        );
    }
    assert!(advises(&finding, "bug of the program"));
    assert!(advises(
        &finding,
        "netperf-trace sockets -t --state close-wait --pid 412"
    ));
}

#[test]
fn few_connections_that_have_just_been_closed_are_no_finding() {
    let level = |count, idle_ms| {
        let findings = findings(&[look(1, unclosed(count, idle_ms))]);
        findings[0].level
    };
    assert_eq!(level(9, 1_000), Level::Ok);
    assert_eq!(level(1, 60_000), Level::Warn);
    assert_eq!(level(10, 1_000), Level::Warn);
    assert_eq!(level(1_000, 0), Level::Critical);
}

fn listening(backlog: u32, room: u32, turned_away: u32) -> Vec<SocketReading> {
    vec![SocketReading {
        recv_q: backlog,
        send_q: room,
        memory: Some(SocketMemory {
            rmem: 0,
            rcvbuf: 0,
            wmem: 0,
            sndbuf: 0,
            drops: Some(turned_away),
        }),
        ..socket(TcpState::Listen, 8, "0.0.0.0:443", NOBODY)
    }]
}

#[test]
fn a_queue_is_judged_by_its_room_and_by_who_was_turned_away() {
    let level = |backlog, room, before, now| {
        let looks = [
            look(1, listening(backlog, room, before)),
            look(2, listening(backlog, room, now)),
        ];
        findings(&looks)[0].level
    };
    assert_eq!(level(0, 0, 0, 0), Level::Ok);
    assert_eq!(level(1, 511, 0, 0), Level::Ok);
    assert_eq!(level(450, 511, 0, 0), Level::Warn);
    assert_eq!(level(511, 511, 0, 0), Level::Critical);
    assert_eq!(level(0, 511, 3, 3), Level::Warn);
    assert_eq!(level(0, 511, 3, 4), Level::Critical);
}

#[test]
fn half_open_connections_are_told_where_they_are_many() {
    let with = |count: u32| {
        let mut sockets = listening(0, 511, 0);
        let half_open = socket(TcpState::SynRecv, 0, "10.0.0.5:443", "192.0.2.7:50000");
        sockets.extend((0..count).map(|_| half_open.clone()));
        findings(&[look(1, sockets)])[0].clone()
    };
    assert_eq!(with(254).level, Level::Ok);
    let many = with(255);
    assert_eq!(many.level, Level::Warn);
    assert!(
        many.evidence.contains("255 in SYN_RECV at nginx (PID 412)"),
        "{many:#?}"
    );
}

#[test]
fn a_full_queue_says_what_limits_it() {
    let finding = found(&[look(1, listening(4_097, 4_096, 9))], "is full");
    assert!(
        finding.evidence.contains("4 097 clients wait"),
        "{finding:#?}"
    );
    assert!(
        finding.evidence.contains("turned away 9 times"),
        "{finding:#?}"
    );
    assert!(advises(&finding, "sysctl -w net.core.somaxconn"));
    let short = found(&[look(1, listening(6, 5, 9))], "is full");
    assert!(
        !advises(&short, "sysctl -w net.core.somaxconn"),
        "{short:#?}"
    );
    assert!(advises(&short, "listen()"));
}

#[test]
fn a_peer_that_does_not_answer_is_told() {
    let silent = |retransmits| {
        let socket = SocketReading {
            timer: Some(Timer {
                kind: TimerKind::On,
                expires_ms: 1_000,
                retransmits,
            }),
            ..socket(TcpState::LastAck, 0, "10.0.0.5:443", "192.0.2.7:50000")
        };
        findings(&[look(1, vec![socket])])
    };
    assert_eq!(silent(2)[0].level, Level::Ok);
    let finding = &silent(4)[0];
    assert_eq!(finding.level, Level::Warn);
    assert!(finding.what.contains("LAST_ACK") && finding.evidence.contains("192.0.2.7 (1)"));
}

#[test]
fn limits_of_the_machine_are_watched() {
    let with = |change: fn(&mut NetworkReading)| {
        let mut look = look(1, Vec::new());
        change(&mut look.networks[0]);
        findings(&[look])[0].clone()
    };
    let orphans = with(|it| {
        it.usage.orphans = Some(90);
        it.settings.max_orphans = Some(100);
    });
    assert_eq!(
        (orphans.level, orphans.what.contains("orphans")),
        (Level::Warn, true)
    );
    let memory = with(|it| {
        it.usage.pages = Some(300);
        it.settings.tcp_mem = Some([100, 200, 300]);
    });
    assert_eq!(
        (memory.level, memory.what.contains("memory")),
        (Level::Critical, true)
    );
    assert_eq!(with(|it| it.usage.pages = Some(300)).level, Level::Ok);
}

#[test]
fn a_setting_that_breaks_clients_is_found_where_it_stands() {
    let mut look = look(1, Vec::new());
    look.recycle_set_in = vec!["/etc/sysctl.d/90-old.conf".to_owned()];
    let finding = found(&[look], "tcp_tw_recycle");
    assert_eq!(finding.level, Level::Warn);
    assert!(finding.evidence.contains("/etc/sysctl.d/90-old.conf"));
}

#[test]
fn filters_limit_counts_and_rows() {
    let mut sockets = over(5, DATABASE, 1_000);
    sockets.extend(unclosed(3, 0));
    sockets.push(socket(TcpState::Established, 7, "10.0.0.5:40999", DATABASE));
    let shown = |options: &StatesOptions| {
        let model = model(&[look(1, sockets.clone())], options);
        let tick = StatesTick::new(&model, options);
        let rows = [
            tick.by_process.len(),
            tick.time_wait.len(),
            tick.close_wait.len(),
            tick.listen.len(),
        ];
        (tick.counts.total(), rows)
    };
    assert_eq!(shown(&everything()), (10, [3, 1, 1, 1]));
    let states = StatesOptions {
        states: StateSet::of([TcpState::CloseWait]),
        ..everything()
    };
    assert_eq!(shown(&states), (3, [1, 0, 1, 0]));
    let port = StatesOptions {
        port: Some(5_432),
        ..everything()
    };
    assert_eq!(shown(&port), (6, [2, 1, 0, 0]));
    let remote = StatesOptions {
        remote: Some("192.0.2.0/24".parse().unwrap()),
        ..everything()
    };
    assert_eq!(shown(&remote), (3, [1, 0, 1, 0]));
    let named = StatesOptions {
        processes: ProcessQuery {
            name: Some(Regex::new("^worker$").unwrap()),
            ..ProcessQuery::default()
        },
        ..everything()
    };
    assert_eq!(shown(&named), (1, [1, 1, 0, 0]));
}
