//! The explanations of `sockets --explain`: what a long queue means.
//!
//! A queue that is not short tells who is slow while no processor is busy: this program, the one at
//! the other end, or the network between.

use netperf_core::sample::TcpState;
use netperf_core::sample::socket::{SocketProto, SocketReading, TcpInfo};
use netperf_core::text::visible;
use netperf_core::units::{Bytes, Units};

/// Bytes from which on a queue is worth a word. Less is seen in passing on any busy connection.
const LONG_BYTES: u32 = 16 * 1024;

/// What the queues of this socket mean; `None` if they are short.
pub fn explanation(socket: &SocketReading, name: Option<&str>, units: Units) -> Option<String> {
    let size = |bytes: u32| units.size(Bytes(bytes.into()));
    let name = name.map_or("the program".into(), visible);
    match (socket.proto, socket.state) {
        (proto, TcpState::Listen) => listening(socket, &name, proto),
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
        _ => None,
    }
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
    let unread = (socket.recv_q >= LONG_BYTES).then(|| {
        let unread = size(socket.recv_q);
        format!("Recv-Q: {unread} have arrived and {name} does not read them: {name} is slow, not the network")
    });
    let unsent = (socket.send_q >= LONG_BYTES).then(|| sending(socket, name, &size(socket.send_q)));
    let texts: Vec<String> = unread.into_iter().chain(unsent).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

fn sending(socket: &SocketReading, name: &str, waiting: &str) -> String {
    let why = match socket.tcp.as_deref() {
        Some(tcp) if is_closed(tcp) => {
            "the other end does not read fast enough (its window was closed most of the time)"
        }
        Some(tcp) if tcp.retrans_out.unwrap_or(0) > 0 || tcp.lost.unwrap_or(0) > 0 => {
            "packets are being lost on the way and sent again"
        }
        _ => "the other end or the network takes them slowly",
    };
    format!("Send-Q: {waiting} from {name} are not acknowledged yet: {why}")
}

/// For more than half of its busy time it was not allowed to send.
fn is_closed(tcp: &TcpInfo) -> bool {
    let limited = tcp.rwnd_limited_us.unwrap_or(0);
    limited > 0 && limited >= tcp.busy_us.unwrap_or(u64::MAX) / 2
}

fn datagrams(socket: &SocketReading, name: &str, waiting: &str) -> String {
    let dropped = socket.memory.and_then(|memory| memory.drops).unwrap_or(0);
    let lost = match dropped {
        0 => "what finds no room will be dropped".to_owned(),
        _ => format!("{dropped} packets found no room and were dropped so far"),
    };
    format!("Recv-Q: {waiting} have arrived and {name} does not read them: {name} is slow; {lost}")
}

#[cfg(test)]
mod tests {
    use netperf_core::fixtures::socket;
    use netperf_core::sample::socket::SocketMemory;

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
