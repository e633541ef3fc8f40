//! The explanations of `sockets --explain`: what a queue means that is long, or old.
//!
//! A queue that is not empty tells who is slow while no processor is busy: this program, the one at
//! the other end, or the network between. Few bytes that have waited for seconds tell it as well as
//! many: a hung worker has one small request unread.

use netperf_core::sample::TcpState;
use netperf_core::sample::socket::{SocketProto, SocketReading, TcpInfo, TimerKind};
use netperf_core::text::visible;
use netperf_core::units::{Bytes, Units, counted, format_seconds};

/// Bytes from which on a queue is worth a word, however young. Less is seen in passing on any busy
/// connection.
const LONG_BYTES: u32 = 16 * 1024;

/// Age from which on a queue is worth a word, however short: a program that waits for its network is
/// woken at once, and an acknowledgement takes a round trip.
const OLD_MS: u32 = 1_000;

/// So often something is sent again that a lost packet or two do not explain.
const REPEATS: u8 = 2;

/// What the queues of this socket mean; `None` if they are short and young, as far as the kernel tells.
pub fn explanation(socket: &SocketReading, name: Option<&str>, units: Units) -> Option<String> {
    let size = |bytes: u32| units.size(Bytes(bytes.into()));
    let name = name.map_or("the program".into(), visible);
    match (socket.proto, socket.state) {
        (proto, TcpState::Listen) => listening(socket, &name, proto),
        (SocketProto::Tcp, TcpState::SynSent) => unanswered(socket),
        (SocketProto::Tcp, _) => connected(socket, &name, size),
        (_, _) if socket.recv_q >= LONG_BYTES => {
            Some(datagrams(socket, &name, &size(socket.recv_q)))
        }
        (_, _) if socket.send_q >= LONG_BYTES => {
            let waiting = size(socket.send_q);
            Some(format!(
                "{waiting} wait in Send-Q for the network interface"
            ))
        }
        (_, _) => dropped(socket, &name),
    }
}

/// Whether the kernel tells no age of what waits in this socket's queues, so that nothing can be said of
/// a short one.
pub fn is_ageless(socket: &SocketReading) -> bool {
    let waits = socket.recv_q > 0 || socket.send_q > 0;
    waits && socket.state != TcpState::Listen && socket.tcp.is_none()
}

fn listening(socket: &SocketReading, name: &str, proto: SocketProto) -> Option<String> {
    let (waiting, limit) = (socket.recv_q, socket.send_q);
    if waiting == 0 {
        return None;
    }
    let wait = if waiting == 1 {
        "1 client waits"
    } else {
        &format!("{waiting} clients wait")
    };
    if waiting < limit {
        return Some(format!(
            "{wait} until {name} accepts (room for {limit}): if this stays, {name} is busy or stuck"
        ));
    }
    let remedy = if proto.is_unix() {
        "listen()"
    } else {
        "listen() and net.core.somaxconn"
    };
    Some(format!(
        "FULL: {wait} until {name} accepts, room for {limit}; new ones are turned away or hang. \
         {name} is too slow, or stuck; {remedy} set the room"
    ))
}

fn connected(socket: &SocketReading, name: &str, size: impl Fn(u32) -> String) -> Option<String> {
    let texts = [
        unread(socket, name, &size),
        unsent(socket, name, &size),
        unheard(socket),
    ];
    let texts: Vec<String> = texts.into_iter().flatten().collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

fn unread(socket: &SocketReading, name: &str, size: impl Fn(u32) -> String) -> Option<String> {
    // The FIN of the other end is counted as one byte.
    let has_fin = matches!(
        socket.state,
        TcpState::CloseWait | TcpState::LastAck | TcpState::Closing
    );
    let bytes = socket.recv_q.saturating_sub(has_fin.into());
    let age = socket.tcp.as_ref().and_then(|tcp| tcp.last_received_ms);
    let old = age.filter(|&age| age >= OLD_MS);
    if bytes == 0 || (bytes < LONG_BYTES && old.is_none()) {
        return None;
    }
    let (waiting, since) = (size(bytes), since(old));
    if socket.inode.is_none() && matches!(socket.state, TcpState::Established | TcpState::CloseWait)
    {
        return Some(format!(
            "Recv-Q: {waiting} have arrived{since}, and no program has accepted the connection yet"
        ));
    }
    Some(format!(
        "Recv-Q: {waiting} have arrived{since} and {name} does not read them: {name} is slow{}, not the \
         network",
        if old.is_some() { ", busy or stuck" } else { "" }
    ))
}

/// `, the last of them 5 s ago`.
fn since(age_ms: Option<u32>) -> String {
    age_ms.map_or(String::new(), |age| {
        format!(", the last of them {} ago,", milliseconds(age))
    })
}

fn milliseconds(age: u32) -> String {
    format_seconds(f64::from(age) / 1e3)
}

fn unsent(socket: &SocketReading, name: &str, size: impl Fn(u32) -> String) -> Option<String> {
    let is_old = repeats(socket) >= REPEATS
        || (socket.timer.is_some() && silence(socket).is_some_and(|age| age >= OLD_MS));
    let is_worth_it = socket.send_q >= LONG_BYTES || (socket.send_q > 0 && is_old);
    is_worth_it.then(|| sending(socket, name, &size(socket.send_q)))
}

/// How often in a row something was sent again, or a closed window was probed.
fn repeats(socket: &SocketReading) -> u8 {
    let timer = socket.timer.filter(|it| it.kind != TimerKind::Timewait);
    timer.map_or(0, |timer| timer.retransmits)
}

/// For how long, in milliseconds, the other end has acknowledged nothing and this end sent nothing:
/// what waits is at least so old.
fn silence(socket: &SocketReading) -> Option<u32> {
    let tcp = socket.tcp.as_ref()?;
    Some(tcp.last_acked_ms?.min(tcp.last_sent_ms?))
}

fn sending(socket: &SocketReading, name: &str, waiting: &str) -> String {
    let times = repeats(socket);
    let again = counted(times, "time", "times");
    let is_probing = socket.timer.is_some_and(|it| it.kind == TimerKind::Persist);
    let why = match socket.tcp.as_deref() {
        _ if is_probing && times > 0 => {
            format!("the other end does not read: its window is closed, and was probed {again}")
        }
        Some(tcp) if is_closed(tcp) => {
            "the other end does not read fast enough (its window was closed most of the time)"
                .to_owned()
        }
        tcp if times >= REPEATS => {
            let heard = tcp.and_then(|tcp| tcp.last_acked_ms);
            let heard = heard.map_or(String::new(), |age| {
                format!("; it acknowledged something last {} ago", milliseconds(age))
            });
            format!(
                "they were sent again {again} in a row, and nothing came back: the other end or the way \
                 to it is gone{heard}"
            )
        }
        Some(tcp) if tcp.retrans_out.unwrap_or(0) > 0 || tcp.lost.unwrap_or(0) > 0 => {
            "packets are being lost on the way and sent again".to_owned()
        }
        _ => "the other end or the network takes them slowly".to_owned(),
    };
    format!("Send-Q: {waiting} from {name} are not acknowledged yet: {why}")
}

/// The other end does not answer whether it is still there.
fn unheard(socket: &SocketReading) -> Option<String> {
    let timer = socket.timer.filter(|it| it.kind == TimerKind::Keepalive)?;
    (timer.retransmits > 0 && socket.send_q == 0).then(|| {
        format!(
            "the other end has not answered {} whether it is still there (keepalive)",
            counted(timer.retransmits, "question", "questions")
        )
    })
}

fn unanswered(socket: &SocketReading) -> Option<String> {
    let times = repeats(socket);
    (times > 0).then(|| {
        format!(
            "no answer to the first packet (SYN), which was sent again {}: a firewall may drop it, or the \
             host is gone",
            counted(times, "time", "times")
        )
    })
}

/// For more than half of its busy time it was not allowed to send.
fn is_closed(tcp: &TcpInfo) -> bool {
    let limited = tcp.rwnd_limited_us.unwrap_or(0);
    limited > 0 && limited >= tcp.busy_us.unwrap_or(u64::MAX) / 2
}

fn datagrams(socket: &SocketReading, name: &str, waiting: &str) -> String {
    let lost = match drops(socket) {
        0 => "what finds no room will be dropped".to_owned(),
        dropped => format!("{dropped} packets found no room and were dropped so far"),
    };
    format!("Recv-Q: {waiting} have arrived and {name} does not read them: {name} is slow; {lost}")
}

/// An empty queue may have overflowed: the socket counts what it had no room for.
fn dropped(socket: &SocketReading, name: &str) -> Option<String> {
    let dropped = drops(socket);
    (dropped > 0).then(|| {
        format!(
            "{} found no room or were damaged, and were dropped since {name} opened it; `-d 1` shows \
             whether it goes on",
            counted(dropped, "packet", "packets")
        )
    })
}

fn drops(socket: &SocketReading) -> u32 {
    socket.memory.and_then(|memory| memory.drops).unwrap_or(0)
}

#[cfg(test)]
mod tests {
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
}
