use netperf_core::fixtures::socket;
use netperf_core::fixtures::states::{look, unclosed};
use netperf_core::sample::TcpState;
use netperf_core::sample::socket::{SocketReading, Timer, TimerKind};

use super::*;

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
