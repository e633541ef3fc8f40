//! Which tracepoints count where a program may be preempted?

use super::make::{at, by_call, on_request, required};
use super::tracepoint::{TCP_RETRANSMIT_BY_ADDRESS, TCP_STATE_BY_ADDRESS};
use super::{Asked, Attach, Hook};

/// The tracepoint that tells what calls send.
pub(in crate::bpf) const SENT: &str = "sock/sock_send_length";
/// The tracepoint that tells what the readers of TCP have taken.
pub(in crate::bpf) const TAKEN: &str = "tcp/tcp_rcv_space_adjust";

/// Since 7.0, a process can be preempted in the programs of BTF tracepoints and trampolines, and what
/// others do on that CPU is not seen meanwhile. In a program that is given the tracepoint's record, it
/// can't. Records hold a socket's address.
pub(super) const RECORD: &[Hook] = &[
    by_call(required(
        &["tcp_send", "udp_send", "mptcp_send"],
        &[&[at(Attach::Tracepoint, SENT, "record_sock_send_length")]],
    )),
    by_call(required(
        &["udp_recv", "mptcp_recv", "ktls_recv"],
        &[&[at(
            Attach::Tracepoint,
            "sock/sock_recv_length",
            "record_sock_recv_length",
        )]],
    )),
    by_call(required(
        &["tcp_recv"],
        &[&[at(Attach::Tracepoint, TAKEN, "record_tcp_rcv_space_adjust")]],
    )),
    on_request(Asked::ForConnections, TCP_STATE_BY_ADDRESS),
    TCP_RETRANSMIT_BY_ADDRESS,
    required(
        &["tcp_close", "udp_close"],
        &[
            &[at(
                Attach::Fentry,
                "inet_sock_destruct",
                "fentry_inet_sock_destruct_probed",
            )],
            &[at(
                Attach::Kprobe,
                "inet_sock_destruct",
                "kprobe_inet_sock_destruct",
            )],
        ],
    ),
];
