//! Messages recorded from Linux 6.18 on a 64-bit machine, in hexadecimal.

use super::*;
use crate::netlink::ask::attribute;

/// `[::]:45990`, which takes both families, with room for 7.
const LISTENING: &str = "\
0a0a0000b3a60000000000000000000000000000000000000000000000000000000000000000000000000000\
68b333000000000000000000000000000700000000000000fdf27c00050008000000000005000b0000000000\
08000f00000000000c0015000100000000000000060016001200000028000700000000000000020000000000\
0040000000000000000000000000000000000000000000001c0102000a000000000000000000000000000000\
0000000000000000000000000700000000000000000000000000000000000000000000000000000000000000\
00000000000000000000000000000000000000000a0000000000000003000000000000000000000000000000\
ffffffffffffffffffffffffffffffff00000000000000000000000000000000000000000000000000000000\
0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
0800040062627200";

/// An end of 127.0.0.1 on an IPv6 socket, with 5000 bytes that nobody has read.
const MAPPED: &str = "\
0a010000b3a684dc00000000000000000000ffff7f00000100000000000000000000ffff7f00000100000000\
69b333000000000000000000881300000000000000000000fff27c00050008000000000008000f0000000000\
0c0015000100000000000000060016001200000028000700c81600000000020000000000001e3c0038090000\
000000000000000000000000000000001c010200010000000007aa01400d0300409c00000080000088130000\
000000000000000000000000000000000000000068000000000000006800000068000000ffff000082a20100\
1100000008000000ffffff7f0a000000cbff00000300000000000000cbff000000000000f08660d30c000000\
ffffffffffffffff000000000000000088130000000000000100000003000000000000001100000001000000\
0000000000000000000000000000000000000000000000000000000000000000000000000100000000000000\
000000000000000000000000000000000000000000000000000000000000010000a401000000000000000000\
0000000000000000000000000000000000000000000000000000000000000000000000000800040062627200";

/// What remains of the other end.
const TIME_WAIT: &str = "\
0206030084dcb3a67f0000010000000000000000000000007f00000100000000000000000000000000000000\
6ab3330000000000fce900000000000000000000000000000000000008000f0000000000";

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digits).collect()
}

fn decoded(hex: &str) -> (SocketReading, InetEnds) {
    let socket = socket(&bytes(hex), SocketProto::Tcp).unwrap();
    let Ends::Inet(ends) = socket.ends else {
        panic!("no internet socket");
    };
    (socket, ends)
}

#[test]
fn a_listening_socket_has_its_backlog_and_no_connection() {
    let (socket, ends) = decoded(LISTENING);
    assert_eq!(socket.state, TcpState::Listen);
    assert_eq!((socket.recv_q, socket.send_q), (0, 7));
    assert_eq!(ends.local.to_string(), "[::]:45990");
    assert!(ends.is_ipv6 && !ends.ipv6_only);
    assert_eq!((socket.uid, socket.tcp), (Some(0), None));
    assert_eq!(socket.cgroup_id, Some(1));
    assert_eq!(socket.memory.unwrap().rcvbuf, 131_072);
}

#[test]
fn a_mapped_connection_is_ipv4_on_an_ipv6_socket() {
    let (socket, ends) = decoded(MAPPED);
    assert_eq!(socket.state, TcpState::Established);
    assert_eq!(ends.local.to_string(), "127.0.0.1:45990");
    assert_eq!(ends.remote.to_string(), "127.0.0.1:34012");
    assert!(ends.is_ipv6);
    assert_eq!(socket.recv_q, 5_000);
    assert!(socket.inode.is_some() && socket.cookie != 0);
    let tcp = socket.tcp.unwrap();
    assert_eq!(tcp.congestion.as_deref(), Some("bbr"));
    assert_eq!((tcp.srtt_us, tcp.rttvar_us), (Some(17), Some(8)));
    assert_eq!(
        (tcp.cwnd, tcp.mss, tcp.ssthresh),
        (Some(10), Some(32_768), None)
    );
    assert_eq!(
        (tcp.bytes_received, tcp.bytes_acked),
        (Some(5_000), Some(0))
    );
}

#[test]
fn a_time_wait_socket_has_its_timer_and_nothing_else() {
    let (socket, ends) = decoded(TIME_WAIT);
    assert_eq!(socket.state, TcpState::TimeWait);
    assert_eq!(ends.remote.port(), 45990);
    assert_eq!((socket.inode, socket.uid), (None, None));
    let timer = socket.timer.unwrap();
    assert_eq!(timer.kind, TimerKind::Timewait);
    assert!(timer.expires_ms > 59_000 && timer.expires_ms <= 60_000);
}

#[test]
fn an_address_goes_back_to_the_kernel_as_it_came() {
    for hex in [LISTENING, MAPPED, TIME_WAIT] {
        let (_, ends) = decoded(hex);
        let recorded = bytes(hex);
        assert_eq!(
            address_bytes(ends.local.ip(), ends.is_ipv6),
            recorded[8..24]
        );
        assert_eq!(
            address_bytes(ends.remote.ip(), ends.is_ipv6),
            recorded[24..40]
        );
    }
}

#[test]
fn a_message_cut_anywhere_loses_what_is_missing_only() {
    let whole = bytes(MAPPED);
    for length in 0..MESSAGE_BYTES {
        assert_eq!(socket(&whole[..length], SocketProto::Tcp), None, "{length}");
    }
    for length in MESSAGE_BYTES..whole.len() {
        let cut = socket(&whole[..length], SocketProto::Tcp).unwrap();
        assert_eq!(cut.recv_q, 5_000);
    }
}

#[test]
fn attributes_of_later_kernels_and_longer_ones_are_no_trouble() {
    let mut message = bytes(LISTENING)[..MESSAGE_BYTES].to_vec();
    message.extend(attribute(999, b"from a later kernel"));
    message.extend(attribute(INET_DIAG_SKV6ONLY, &[1]));
    message.extend(attribute(INET_DIAG_CGROUP_ID, &7u64.to_ne_bytes()));
    let socket = socket(&message, SocketProto::Tcp).unwrap();
    let Ends::Inet(ends) = socket.ends else {
        panic!("no internet socket");
    };
    assert!(ends.ipv6_only);
    assert_eq!(socket.cgroup_id, Some(7));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(random: Vec<u8>, at: usize, byte: u8) {
        let _ = socket(&random, SocketProto::Udp);
        let mut message = bytes(MAPPED);
        let at = at % message.len();
        message[at] = byte;
        let _ = socket(&message, SocketProto::Tcp);
    }
}
