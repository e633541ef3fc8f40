use netperf_core::fixtures::socket;
use netperf_core::fixtures::states::{
    DATABASE, NOBODY, PORTS, binds, connects, look, over, refusing,
};
use netperf_core::sample::TcpState;
use netperf_core::sample::refusal::RefusedFor;

use super::*;

/// Findings that are not good news.
fn troubles(looks: &[SocketSample]) -> Vec<Finding> {
    let mut findings = findings(looks);
    findings.retain(|finding| finding.level != Level::Ok);
    findings
}

#[test]
fn a_refused_port_proves_what_the_ports_suggest() {
    let full = |readings| [refusing(1, over(PORTS, DATABASE, 1_000), readings)];
    let guess = troubles(&full(Vec::new()));
    let proof = troubles(&full(vec![
        connects(8_821, DATABASE, 7),
        connects(8_822, DATABASE, 1),
    ]));
    let ([guess], [proof]) = (guess.as_slice(), proof.as_slice()) else {
        panic!("not one each: {guess:#?} {proof:#?}");
    };
    assert!(guess.evidence.contains("new ones fail"), "{guess:#?}");
    assert_eq!(proof.level, Level::Critical);
    assert_eq!(
        proof.what,
        "all ports for new connections to 10.0.0.10:5432 are taken: connections fail"
    );
    for words in [
        "connect failed with EADDRNOTAVAIL (`Cannot assign requested address`) 8 times",
        "worker (PID 8821), worker (PID 8822)",
        "1 000 of 1 000 ports",
    ] {
        assert!(proof.evidence.contains(words), "{words}: {proof:#?}");
    }
    assert_eq!(proof.advice, guess.advice);
}

#[test]
fn ports_that_the_kernel_gives_out_again_are_a_catastrophe_when_connections_fail() {
    let level = |readings| {
        let mut look = refusing(1, over(PORTS, DATABASE, 1_000), readings);
        look.networks[0].settings.tw_reuse = Some(1);
        found(&[look], DATABASE).level
    };
    assert_eq!(level(Vec::new()), Level::Warn);
    assert_eq!(level(vec![connects(8_821, DATABASE, 1)]), Level::Critical);
}

#[test]
fn connections_that_fail_while_ports_are_free_are_not_called_healthy() {
    let look = refusing(
        1,
        over(10, DATABASE, 1_000),
        vec![connects(8_821, DATABASE, 3)],
    );
    let findings = findings(&[look]);
    let [finding] = findings.as_slice() else {
        panic!("{findings:#?}")
    };
    assert_eq!(finding.level, Level::Critical);
    assert!(
        finding
            .evidence
            .contains("990 of 1 000 ports to it are free"),
        "{finding:#?}"
    );
    assert!(advises(finding, "binds a local port"), "{finding:#?}");
    assert!(advises(
        finding,
        "`netperf-trace sockets -ta dst 10.0.0.10:5432`"
    ));
}

#[test]
fn what_was_refused_long_ago_is_over() {
    let looks = [
        refusing(1, Vec::new(), vec![connects(8_821, DATABASE, 3)]),
        refusing(62, Vec::new(), Vec::new()),
    ];
    assert_eq!(troubles(&looks[..1]).len(), 1);
    assert_eq!(troubles(&looks), []);
    let rows = |second| {
        let looks = [looks[0].clone(), look(second, Vec::new())];
        let options = StatesOptions::all();
        StatesFigures::new(&model(&looks, &options), &options)
            .refused
            .len()
    };
    assert_eq!((rows(600), rows(602)), (1, 0));
}

#[test]
fn who_has_the_port_is_told() {
    let sockets = vec![
        socket(TcpState::Listen, 8, "0.0.0.0:90", NOBODY),
        socket(TcpState::Listen, 7, "0.0.0.0:91", NOBODY),
        socket(TcpState::Listen, 7, "10.0.0.5:92", NOBODY),
    ];
    let in_use = |tgid, local| {
        let refused = vec![binds(tgid, RefusedFor::InUse, local)];
        found(&[refusing(1, sockets.clone(), refused)], "can't have")
    };
    let other = in_use(8_821, "10.0.0.5:90");
    assert_eq!(other.level, Level::Warn);
    assert_eq!(
        other.what,
        "worker (PID 8821) can't have 10.0.0.5:90 (tcp): it is in use"
    );
    assert!(
        other.evidence.contains("EADDRINUSE") && other.evidence.contains("once"),
        "{other:#?}"
    );
    assert!(
        other.evidence.ends_with("; nginx (PID 412) listens there"),
        "{other:#?}"
    );
    assert!(advises(&other, "two programs want the same port"));
    assert!(advises(&other, "`netperf-trace sockets -ta sport = :90`"));
    let own = in_use(8_821, "0.0.0.0:91");
    assert!(advises(&own, "has the port itself"), "{own:#?}");
    let elsewhere = in_use(8_821, "10.0.0.6:92");
    assert!(
        elsewhere.evidence.contains("no socket has it"),
        "{elsewhere:#?}"
    );
}

#[test]
fn a_server_that_is_started_again_is_told_of_so_reuseaddr() {
    let sockets = || {
        let left = |client: u16| {
            let remote = format!("192.0.2.7:{client}");
            socket(TcpState::TimeWait, 0, "10.0.0.5:40500", &remote)
        };
        (1..4).map(left).collect()
    };
    // Each try has a new process.
    let refused = [1, 2, 3, 4].map(|tgid| binds(tgid, RefusedFor::InUse, "0.0.0.0:40500"));
    let looks = [refusing(1, sockets(), refused.to_vec())];
    let troubles = troubles(&looks);
    let [finding] = troubles.as_slice() else {
        panic!("{troubles:#?}")
    };
    for words in [
        "4 times",
        "and 1 other",
        "3 connections in TIME_WAIT have it",
    ] {
        assert!(finding.evidence.contains(words), "{words}: {finding:#?}");
    }
    assert!(advises(finding, "SO_REUSEADDR"), "{finding:#?}");
    let reserve = "sysctl -w net.ipv4.ip_local_reserved_ports=40500";
    assert!(advises(finding, reserve), "{finding:#?}");
}

#[test]
fn an_address_that_is_not_here_is_named() {
    let refused = vec![binds(412, RefusedFor::NotAvailable, "10.9.9.9:80")];
    let finding = found(&[refusing(1, Vec::new(), refused)], "can't use 10.9.9.9");
    assert_eq!(finding.level, Level::Warn);
    assert!(advises(&finding, "`ip addr`"), "{finding:#?}");
}

#[test]
fn a_bind_to_any_port_that_fails_means_that_none_is_left() {
    let refused = vec![binds(412, RefusedFor::InUse, "10.0.0.5:0")];
    let look = refusing(1, over(3, DATABASE, 1_000), refused);
    let finding = found(&[look], "can't have any port of 10.0.0.5");
    assert!(advises(&finding, "IP_BIND_ADDRESS_NO_PORT"), "{finding:#?}");
}
