//! The explanations of `sockets --explain`: what a queue means that is long, or old.
//!
//! A queue that is not empty tells who is slow while no processor is busy: this program, the one at
//! the other end, or the network between. Few bytes that have waited for seconds tell it as well as
//! many: a hung worker has one small request unread.

#[cfg(test)]
mod tests;

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
