//! Sockets made by hand: what is said of their queues?

use netperf_core::fixtures::socket;
use netperf_core::sample::socket::{SocketMemory, Timer};

use super::*;

fn explained(socket: &SocketReading) -> String {
    explanation(socket, Some("nginx"), Units::Auto).unwrap_or_default()
}

fn established() -> SocketReading {
    socket(TcpState::Established, 7, "10.0.0.5:1", "10.0.0.6:2")
}

#[test]
fn short_queues_need_no_word() {
    assert_eq!(explained(&established()), "");
    let busy = SocketReading {
        recv_q: 4_000,
        send_q: 15_000,
        ..established()
    };
    assert_eq!(explained(&busy), "");
    let listening = SocketReading {
        send_q: 511,
        ..socket(TcpState::Listen, 7, "0.0.0.0:80", "0.0.0.0:0")
    };
    assert_eq!(explained(&listening), "");
}

#[test]
fn the_queue_of_a_listening_socket_counts_clients() {
    let waiting = |recv_q, send_q| {
        explained(&SocketReading {
            recv_q,
            send_q,
            ..socket(TcpState::Listen, 7, "0.0.0.0:80", "0.0.0.0:0")
        })
    };
    assert!(waiting(1, 511).starts_with("1 client waits until nginx accepts"));
    assert!(waiting(100_000, 200_000).starts_with("100000 clients wait"));
    assert!(waiting(512, 511).starts_with("FULL: 512 clients wait"));
    assert!(waiting(511, 511).contains("somaxconn"));
}

fn with(tcp: TcpInfo) -> SocketReading {
    SocketReading {
        tcp: Some(Box::new(tcp)),
        ..established()
    }
}

fn timer(kind: TimerKind, retransmits: u8) -> Timer {
    Timer {
        kind,
        expires_ms: 900,
        retransmits,
    }
}

#[test]
fn few_bytes_that_are_unread_for_long_are_told_and_young_ones_are_not() {
    let unread = |recv_q, age_ms| SocketReading {
        recv_q,
        ..with(TcpInfo {
            last_received_ms: Some(age_ms),
            ..TcpInfo::default()
        })
    };
    let text = explained(&unread(300, 5_000));
    assert!(text.contains("the last of them 5 s ago"), "{text}");
    assert!(text.contains("nginx is slow, busy or stuck"), "{text}");
    assert_eq!(explained(&unread(300, 40)), "");
    assert_eq!(explained(&unread(0, 90_000)), "");
    let closed = SocketReading {
        state: TcpState::CloseWait,
        ..unread(1, 5_000)
    };
    assert_eq!(explained(&closed), "", "the FIN is no data");
    let unaccepted = SocketReading {
        inode: None,
        ..unread(300, 5_000)
    };
    assert!(explained(&unaccepted).contains("no program has accepted"));
}

#[test]
fn a_peer_that_vanished_is_told_by_the_repeats() {
    let waiting = |kind, retransmits| SocketReading {
        send_q: 500,
        timer: Some(timer(kind, retransmits)),
        ..with(TcpInfo {
            last_acked_ms: Some(5_300),
            last_sent_ms: Some(700),
            ..TcpInfo::default()
        })
    };
    let text = explained(&waiting(TimerKind::On, 4));
    assert!(text.contains("sent again 4 times in a row"), "{text}");
    assert!(text.contains("5.30 s ago"), "{text}");
    assert_eq!(explained(&waiting(TimerKind::On, 1)), "");
    let closed = explained(&waiting(TimerKind::Persist, 3));
    assert!(closed.contains("window is closed"), "{closed}");
    let silent = SocketReading {
        send_q: 0,
        ..waiting(TimerKind::Keepalive, 2)
    };
    assert!(explained(&silent).contains("2 questions"));
    let calling = SocketReading {
        state: TcpState::SynSent,
        ..waiting(TimerKind::On, 1)
    };
    assert!(explained(&calling).contains("sent again 1 time:"));
}

#[test]
fn drops_of_an_empty_queue_are_told_with_their_time() {
    let socket = SocketReading {
        proto: SocketProto::Udp,
        state: TcpState::Close,
        memory: Some(SocketMemory {
            rmem: 0,
            rcvbuf: 212_000,
            wmem: 0,
            sndbuf: 0,
            drops: Some(1_908),
        }),
        ..established()
    };
    let text = explained(&socket);
    assert!(text.contains("since nginx opened it"), "{text}");
    assert!(!is_ageless(&socket));
    assert!(is_ageless(&SocketReading {
        recv_q: 700,
        ..socket
    }));
}

#[test]
fn bytes_that_wait_say_who_is_slow() {
    let unread = SocketReading {
        recv_q: 70_000,
        ..established()
    };
    assert!(explained(&unread).contains("nginx is slow, not the network"));
    let sending = |tcp| {
        explained(&SocketReading {
            send_q: 70_000,
            tcp: Some(Box::new(tcp)),
            ..established()
        })
    };
    let closed = TcpInfo {
        busy_us: Some(10),
        rwnd_limited_us: Some(6),
        ..TcpInfo::default()
    };
    assert!(sending(closed).contains("the other end does not read"));
    let lossy = TcpInfo {
        busy_us: Some(10),
        rwnd_limited_us: Some(1),
        lost: Some(2),
        ..TcpInfo::default()
    };
    assert!(sending(lossy).contains("lost on the way"));
    assert!(sending(TcpInfo::default()).contains("takes them slowly"));
}

#[test]
fn datagrams_that_were_dropped_are_counted() {
    let socket = SocketReading {
        proto: SocketProto::Udp,
        state: TcpState::Close,
        recv_q: 212_000,
        memory: Some(SocketMemory {
            rmem: 212_000,
            rcvbuf: 212_000,
            wmem: 0,
            sndbuf: 0,
            drops: Some(408),
        }),
        ..established()
    };
    assert!(explained(&socket).contains("408 packets found no room"));
}

#[test]
fn names_can_not_steer_a_terminal() {
    let socket = SocketReading {
        recv_q: 70_000,
        ..established()
    };
    let text = explanation(&socket, Some("\x1b[2Jevil"), Units::Auto).unwrap();
    assert!(!text.contains('\x1b'), "{text:?}");
}
