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
pub(super) fn of(socket: &SocketReading, name: Option<&str>, units: Units) -> Option<String> {
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
