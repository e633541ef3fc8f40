use netperf_core::fixtures::states::{look, unclosed};
use netperf_core::fixtures::{process, socket};
use netperf_core::sample::TcpState;
use netperf_core::sample::socket::{SocketOwner, SocketOwners, SocketReading, Timer, TimerKind};

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

/// Workers of a program, each of which holds so many connections that the other end has closed.
fn workers(each: &[u32], idle_ms: u32) -> SocketSample {
    let sum = each.iter().sum();
    let mut sample = look(1, unclosed(sum, idle_ms));
    let holders = (1..).zip(each);
    let holders = holders.flat_map(|(worker, &count)| std::iter::repeat_n(worker, count as usize));
    let mut owners = Vec::new();
    let connections = sample.sockets.iter_mut();
    let connections = connections.filter(|it| it.state == TcpState::CloseWait);
    for (inode, (socket, tgid)) in (1_000..).zip(connections.zip(holders)) {
        socket.inode = Some(inode);
        owners.push(SocketOwner {
            inode,
            fd: 9,
            process: process(tgid, "gunicorn"),
        });
    }
    sample.owners = SocketOwners::new(owners);
    sample
}

#[test]
fn few_in_each_worker_are_many_of_the_program() {
    let findings = findings(&[workers(&[6; 30], 1_000)]);
    let [finding] = &findings[..] else {
        panic!("{findings:#?}");
    };
    assert_eq!(finding.level, Level::Warn);
    assert!(
        finding
            .what
            .starts_with("gunicorn (30 processes of gunicorn.service) does not close 180"),
        "{}",
        finding.what
    );
    assert!(
        finding
            .evidence
            .contains("6 in each of PID 1, 2, 3, 4, 5 and 25 more")
    );
    assert!(
        finding.evidence.contains("192.0.2.7 (180"),
        "{}",
        finding.evidence
    );
}

#[test]
fn a_connection_that_workers_share_counts_once() {
    let mut sample = look(1, unclosed(12, 60_000));
    let owner = |tgid| SocketOwner {
        inode: 8,
        fd: 6,
        process: process(tgid, "prefork"),
    };
    sample.owners = SocketOwners::new((1..=20).map(owner).collect());
    let finding = found(&[sample], "does not close");
    assert!(
        finding.what.contains("close 12 connections"),
        "{}",
        finding.what
    );
    assert!(
        finding.evidence.contains("192.0.2.7 (12,"),
        "{}",
        finding.evidence
    );
}

#[test]
fn what_a_busy_server_is_about_to_close_is_no_finding() {
    let busy = |idle_ms| {
        let mut sockets = unclosed(150, idle_ms);
        let open = socket(TcpState::Established, 8, "10.0.0.5:443", "192.0.2.8:50000");
        sockets.extend(std::iter::repeat_n(open, 400));
        findings(&[look(1, sockets)])[0].level
    };
    assert_eq!(busy(300), Level::Ok);
    assert_eq!(busy(9_000), Level::Warn);
}

#[test]
fn what_was_never_accepted_is_found_by_its_port_and_holds_no_file() {
    let mut sockets = unclosed(50, 3_000);
    for socket in &mut sockets[1..] {
        socket.inode = None;
    }
    let finding = found(&[look(1, sockets)], "does not close");
    assert!(advises(&finding, "does not accept connections any more"));
    assert!(advises(
        &finding,
        "`netperf-trace sockets -t --state close-wait 'sport = :443'`"
    ));
    assert!(!advises(&finding, "--pid") && !advises(&finding, "open file"));
    assert!(!advises(&finding, "bug of the program"));
}
