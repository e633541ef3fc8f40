use std::sync::Arc;

use super::census::{Holder, Peer};
use super::*;
use crate::fixtures::{NETNS, process, socket};
use crate::sample::TcpState;
use crate::sample::socket::{SocketMemory, SocketOwner, SocketOwners, TcpInfo, Timer, TimerKind};

const CLIENT: &str = "192.0.2.7:50001";
const SERVER: &str = "10.0.0.5:443";

/// So many seconds after boot.
fn sample(second: u64, sockets: Vec<SocketReading>) -> SocketSample {
    let nginx = process(412, "nginx");
    let worker = process(413, "nginx");
    let owner = |inode, fd, process: &Arc<_>| SocketOwner {
        inode,
        fd,
        process: Arc::clone(process),
    };
    SocketSample {
        at: MonoNs(second * 1_000_000_000),
        wall: WallNs(1),
        sockets,
        owners: SocketOwners::new(vec![
            owner(1, 6, &nginx),
            owner(1, 6, &worker),
            owner(2, 9, &worker),
            owner(2, 10, &worker),
        ]),
        ..SocketSample::default()
    }
}

fn looked(samples: &[SocketSample]) -> StatesModel {
    let mut model = StatesModel::default();
    for sample in samples {
        model.advance(sample, &|_| true);
    }
    model
}

fn pids(processes: &[Arc<crate::sample::Process>]) -> Vec<u32> {
    processes.iter().map(|it| it.id.tgid).collect()
}

#[test]
fn a_shared_socket_counts_once_in_all_and_for_each_that_holds_it() {
    let model = looked(&[sample(
        1,
        vec![
            socket(TcpState::Listen, 1, "0.0.0.0:443", "0.0.0.0:0"),
            socket(TcpState::Established, 2, SERVER, CLIENT),
            socket(TcpState::Established, 77, SERVER, "192.0.2.7:50002"),
            socket(TcpState::TimeWait, 0, SERVER, "192.0.2.7:50003"),
        ],
    )]);
    let census = &model.now.census;
    assert_eq!(census.counts.total(), 4);
    let mut held: Vec<_> = census.holders.iter().collect();
    held.sort_unstable_by_key(|(holder, _)| **holder);
    let held: Vec<_> = held
        .iter()
        .map(|(_, it)| (it.process.as_ref().map(|it| it.id.tgid), it.counts.total()))
        .collect();
    assert_eq!(held, [(Some(412), 1), (Some(413), 2), (None, 1), (None, 1)]);
    assert_eq!(census.remotes.len(), 1, "a listener has no remote host");
}

#[test]
fn only_what_is_taken_is_counted_but_ports_and_queues_are_of_all() {
    let mut model = StatesModel::default();
    let all = sample(
        1,
        vec![
            socket(TcpState::Listen, 1, "0.0.0.0:443", "0.0.0.0:0"),
            socket(TcpState::TimeWait, 0, "10.0.0.5:40000", "10.0.0.9:5432"),
            socket(TcpState::Established, 2, SERVER, CLIENT),
        ],
    );
    model.advance(&all, &|socket| socket.state == TcpState::Established);
    let census = &model.now.census;
    assert_eq!(census.counts.total(), 1);
    assert_eq!(
        (census.listeners.len(), census.ports.destinations.len()),
        (1, 1)
    );
}

#[test]
fn growth_is_over_the_measured_time_and_unknown_at_first() {
    let one = socket(TcpState::Established, 2, SERVER, CLIENT);
    let looks = [
        sample(1, vec![one.clone()]),
        sample(5, vec![one.clone(), one.clone(), one]),
    ];
    let count = |look: &Look| look.census.counts.total();
    assert_eq!(looked(&looks[..1]).growth_per_s(count), None);
    assert_eq!(looked(&looks).growth_per_s(count), Some(0.5));
}

#[test]
fn close_wait_names_files_and_peers_by_who_called_whom() {
    let told = |ms| {
        Some(Box::new(TcpInfo {
            last_acked_ms: Some(ms),
            ..TcpInfo::default()
        }))
    };
    let mut sockets = vec![
        socket(TcpState::Listen, 1, "0.0.0.0:443", "0.0.0.0:0"),
        socket(TcpState::CloseWait, 2, SERVER, CLIENT),
        socket(TcpState::CloseWait, 2, "10.0.0.5:40000", "10.0.0.9:5432"),
        socket(TcpState::CloseWait, 0, SERVER, "192.0.2.8:50002"),
    ];
    for (at, socket) in sockets.iter_mut().enumerate() {
        socket.cookie = at as u64;
        socket.tcp = told(1_000 * u32::try_from(at).unwrap());
    }
    let model = looked(&[sample(1, sockets)]);
    let leaks = &model.now.census.close_wait;
    let of = |tgid| {
        let mut found = leaks.values();
        found
            .find(|it| it.process.as_ref().is_some_and(|it| it.id.tgid == tgid))
            .unwrap()
    };
    let worker = of(413);
    assert_eq!((worker.count, worker.unaccepted), (2, 0));
    assert_eq!(worker.fds, [9, 10, 9, 10]);
    let service = Peer::Service("10.0.0.9:5432".parse().unwrap());
    let client = Peer::Client("192.0.2.7".parse().unwrap(), 443);
    assert_eq!(worker.peers, [(service, 1), (client, 1)].into());
    assert_eq!(worker.oldest.unwrap().at_least.as_secs(), 2);
    // Nobody has accepted it: the one that listens is to.
    let listening = of(412);
    assert_eq!((listening.count, listening.unaccepted), (1, 1));
}

#[test]
fn a_queue_is_that_of_the_address_before_that_of_all_addresses() {
    let queue = |local, inode| SocketReading {
        recv_q: 3,
        send_q: 2,
        memory: Some(SocketMemory {
            rmem: 0,
            rcvbuf: 0,
            wmem: 0,
            sndbuf: 0,
            drops: Some(7),
        }),
        ..socket(TcpState::Listen, inode, local, "0.0.0.0:0")
    };
    let model = looked(&[sample(
        1,
        vec![
            queue("0.0.0.0:443", 1),
            queue(SERVER, 2),
            socket(TcpState::SynRecv, 0, SERVER, CLIENT),
            socket(TcpState::SynRecv, 0, "127.0.0.1:443", CLIENT),
            socket(TcpState::SynRecv, 0, "127.0.0.1:444", CLIENT),
        ],
    )]);
    let census = &model.now.census;
    let half_open: Vec<_> = census.listeners.iter().map(|it| it.syn_recv).collect();
    assert_eq!(half_open, [1, 1]);
    let first = &census.listeners[0];
    assert_eq!((first.backlog, first.backlog_max), (3, 2));
    assert_eq!(first.turned_away, Some(7));
    assert_eq!(
        pids(census.acceptors(NETNS, SERVER.parse().unwrap())),
        [413]
    );
    let elsewhere = "10.0.0.7:443".parse().unwrap();
    assert_eq!(pids(census.acceptors(NETNS, elsewhere)), [412, 413]);
    assert_eq!(pids(census.acceptors(1, elsewhere)), [0; 0]);
}

#[test]
fn a_peer_that_does_not_answer_a_fin_is_silent_after_some_tries() {
    let sent_again = |retransmits| SocketReading {
        timer: Some(Timer {
            kind: TimerKind::On,
            expires_ms: 1_000,
            retransmits,
        }),
        ..socket(TcpState::FinWait1, 0, SERVER, CLIENT)
    };
    let model = looked(&[sample(1, vec![sent_again(2), sent_again(5)])]);
    let closing = &model.now.census.closing[&TcpState::FinWait1];
    assert_eq!((closing.count, closing.silent, closing.orphans), (2, 1, 2));
    assert_eq!(closing.retransmits, 5);
}

#[test]
fn who_made_a_time_wait_is_remembered_when_the_connections_are_over() {
    let (local, remote) = ("10.0.0.5:40000", "10.0.0.9:5432");
    let open = sample(1, vec![socket(TcpState::Established, 2, local, remote)]);
    let over = |second| sample(second, vec![socket(TcpState::TimeWait, 0, local, remote)]);
    let model = looked(&[open, over(2), over(3)]);
    let mut found = model.now.census.ports.destinations.values();
    let used = found.next().unwrap();
    assert_eq!(
        (pids(&used.makers), used.makers_are_gone),
        (vec![413], true)
    );
    let unknown = looked(&[over(2)]);
    assert_eq!(
        unknown.now.census.holders.keys().next(),
        Some(&Holder::Kernel)
    );
}

#[test]
fn a_counter_that_went_back_has_no_increase() {
    let counting = |second, drops| {
        let mut look = sample(second, Vec::new());
        look.networks = vec![NetworkReading {
            netns: NETNS,
            ..NetworkReading::default()
        }];
        look.networks[0].counters.listen_drops = drops;
        look
    };
    let increase = |first, then| {
        let model = looked(&[counting(1, first), counting(2, then)]);
        model.increase(|look| look.network(NETNS)?.counters.listen_drops)
    };
    assert_eq!(increase(Some(3), Some(5)), Some(2));
    assert_eq!(increase(Some(5), Some(3)), None);
    assert_eq!(increase(None, Some(3)), None);
}
