//! The set of kprobes that counts.

use super::losses::LISTEN_START;
use super::make::{
    NO_MPTCP, NO_SENDPAGE, NO_STATES, NO_UDP6, at, by_call, if_present, required, returned, wanted,
    with_parameters,
};
use super::tracepoint::TCP_RETRANSMIT_BY_ADDRESS;
use super::{Attach, Hook};

/// Kernels that refuse trampolines and lack the tracepoints.
pub(super) const KPROBE: &[Hook] = &[
    required(
        &["tcp_send"],
        &[&[
            at(Attach::Kprobe, "tcp_connect", "kprobe_tcp_connect"),
            at(Attach::Kprobe, "tcp_sendmsg_locked", "kprobe_tcp_sends"),
            at(Attach::Kprobe, "release_sock", "kprobe_release_sock"),
        ]],
    ),
    if_present(
        &["tcp_sendpage"],
        &[&[at(Attach::Kprobe, "do_tcp_sendpages", "kprobe_tcp_sends")]],
        NO_SENDPAGE,
    ),
    by_call(required(
        &["udp_send"],
        &[returned!(
            "udp_sendmsg",
            "kprobe_udp_sendmsg",
            "kretprobe_udp_sendmsg"
        )],
    )),
    by_call(if_present(
        &["udp6_send"],
        &[returned!(
            "udpv6_sendmsg",
            "kprobe_udp6_sendmsg",
            "kretprobe_udp6_sendmsg"
        )],
        NO_UDP6,
    )),
    by_call(if_present(
        &["mptcp_send"],
        &[returned!(
            "mptcp_sendmsg",
            "kprobe_mptcp_sendmsg",
            "kretprobe_mptcp_sendmsg"
        )],
        NO_MPTCP,
    )),
    required(
        &["tcp_recv"],
        &[&[at(
            Attach::Kprobe,
            "tcp_cleanup_rbuf",
            "kprobe_tcp_cleanup_rbuf",
        )]],
    ),
    by_call(required(
        &["udp_recv"],
        &[&[at(
            Attach::Kprobe,
            "skb_consume_udp",
            "kprobe_skb_consume_udp",
        )]],
    )),
    by_call(if_present(
        &["mptcp_recv"],
        &[
            &[
                with_parameters(
                    6,
                    at(Attach::Kprobe, "mptcp_recvmsg", "kprobe_mptcp_recvmsg_6"),
                ),
                at(
                    Attach::Kretprobe,
                    "mptcp_recvmsg",
                    "kretprobe_mptcp_recvmsg",
                ),
            ],
            returned!(
                "mptcp_recvmsg",
                "kprobe_mptcp_recvmsg",
                "kretprobe_mptcp_recvmsg"
            ),
        ],
        NO_MPTCP,
    )),
    wanted(
        &["tcp_state"],
        &[&[at(Attach::Kprobe, "tcp_set_state", "kprobe_tcp_set_state")]],
        NO_STATES,
    ),
    TCP_RETRANSMIT_BY_ADDRESS,
    LISTEN_START,
    required(
        &["tcp_close", "udp_close"],
        &[&[at(
            Attach::Kprobe,
            "inet_sock_destruct",
            "kprobe_inet_sock_destruct",
        )]],
    ),
];
