use netperf_core::fixtures::socket;
use netperf_core::fixtures::states::{NOBODY, look};
use netperf_core::sample::TcpState;
use netperf_core::sample::socket::{SocketMemory, SocketReading};

use super::*;

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
