use std::collections::BTreeMap;

use netperf_core::fixtures::{socket, sockets};
use netperf_core::model::query::CgroupPath;
use netperf_core::sample::TcpState;
use regex::Regex;

use super::*;
use crate::view::fixtures::every_socket;
use crate::view::socket_filter::parse;

fn options() -> SocketsOptions {
    SocketsOptions {
        explain: Some(Units::Auto),
        ..every_socket()
    }
}

fn shown(options: &SocketsOptions) -> Vec<String> {
    let sample = sockets();
    let tick = SocketsTick::new(&sample, options, None);
    tick.sockets.iter().map(|row| row.local.clone()).collect()
}

#[test]
fn a_shared_socket_names_its_first_owner_and_all() {
    let sample = sockets();
    let tick = SocketsTick::new(&sample, &options(), None);
    let row = &tick.sockets[0];
    assert_eq!(
        (row.pid, row.name, row.fd),
        (Some(412), Some("nginx"), Some(6))
    );
    let pids: Vec<_> = row.owners.iter().map(|owner| owner.pid).collect();
    assert_eq!(pids, [412, 413, 414]);
    assert_eq!(row.unit, Some("nginx.service"));
}

#[test]
fn without_an_owner_the_socket_tells_its_cgroup_and_user() {
    let sample = sockets();
    let tick = SocketsTick::new(&sample, &options(), None);
    let row = tick.sockets.last().unwrap();
    assert_eq!((row.pid, row.user), (None, Some("backup")));
    assert_eq!(row.cgroup, Some("/system.slice/named.service"));
    assert_eq!(row.state, "UNCONN");
}

#[test]
fn a_filter_matches_any_owner_of_a_shared_socket() {
    let of = |pids: &[u32]| SocketsOptions {
        processes: ProcessQuery {
            pids: pids.to_vec(),
            ..ProcessQuery::default()
        },
        ..options()
    };
    assert_eq!(shown(&of(&[414])), ["0.0.0.0:443"]);
    assert_eq!(shown(&of(&[412])), ["0.0.0.0:443", "10.0.0.5:443"]);
    assert_eq!(shown(&of(&[0])), [""; 0]);
}

#[test]
fn what_has_no_owner_has_no_name_but_may_have_a_cgroup() {
    let with = |processes| SocketsOptions {
        processes,
        ..options()
    };
    let named = with(ProcessQuery {
        name: Some(Regex::new("").unwrap()),
        ..ProcessQuery::default()
    });
    assert_eq!(shown(&named).len(), 4);
    let placed = with(ProcessQuery {
        cgroup: Some(CgroupPath::new("named.service")),
        ..ProcessQuery::default()
    });
    assert_eq!(shown(&placed), ["10.0.0.5:443", "0.0.0.0:53"]);
}

#[test]
fn states_and_filter_must_both_hold() {
    let some = SocketsOptions {
        states: StateSet::of([TcpState::Established, TcpState::TimeWait]),
        filter: parse("dst 10.0.0.0/8 or dport = :54321").unwrap(),
        ..options()
    };
    assert_eq!(shown(&some), ["10.0.0.5:44321", "10.0.0.5:40000"]);
}

#[test]
fn the_summary_counts_selected_sockets_also_without_rows() {
    let sample = sockets();
    let only = SocketsOptions {
        summary_only: true,
        ..options()
    };
    let tick = SocketsTick::new(&sample, &only, None);
    assert!(tick.sockets.is_empty());
    let summary = tick.summary;
    assert_eq!(
        (summary.total, summary.tcp.total, summary.udp.total),
        (7, 5, 1)
    );
    assert_eq!((summary.unix.total, summary.orphaned), (1, 0));
    let expected = [
        ("CLOSE_WAIT", 1),
        ("ESTABLISHED", 2),
        ("LISTEN", 1),
        ("TIME_WAIT", 1),
    ];
    assert_eq!(summary.tcp.states, BTreeMap::from(expected));
}

#[test]
fn a_socket_that_its_process_left_behind_is_an_orphan_and_one_to_be_accepted_is_none() {
    let mut summary = Summary::default();
    for (state, orphans) in [
        (TcpState::Established, 0),
        (TcpState::TimeWait, 0),
        (TcpState::SynRecv, 0),
        (TcpState::FinWait1, 1),
        (TcpState::LastAck, 2),
    ] {
        summary.add(&socket(state, 0, "10.0.0.5:1", "10.0.0.6:2"));
        assert_eq!(summary.orphaned, orphans, "{state:?}");
    }
    summary.add(&socket(TcpState::FinWait1, 7, "10.0.0.5:1", "10.0.0.6:2"));
    assert_eq!(summary.orphaned, 2);
}
