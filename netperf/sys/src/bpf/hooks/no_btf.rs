//! Which kprobes count where the kernel has no type information?

use netperf_core::collect::HookKind;

use super::make::{NO_UDP6, at, by_call, if_present, required, returned, wanted};
use super::{Attach, Hook, HookSet, Memory, Reads};

/// The set for kernels that do not tell where anything is in their structures.
pub(in crate::bpf) const NO_BTF: HookSet = HookSet {
    kind: HookKind::Kprobe,
    hooks: NO_BTF_KPROBE,
    on_request: &[],
    memory: Memory::ByAddress,
    reads: Reads::States,
    from: None,
    unseen: &[
        "round-trip times",
        "retransmissions",
        "addresses of UDP sockets, and of connections from before the start",
        "network namespaces of connections",
        "MPTCP and TLS in the kernel",
        "what was taken by a read that a process was in at the start",
        "urgent data",
        "which processes are threads of the kernel",
        "the name of a process that ended before a look at it (that of its thread is shown), and \
         that its number was used before",
        "all of what more processes send at a time than the kernel has return probes for",
    ],
};

/// The tracepoint that tells addresses and states of connections.
pub(in crate::bpf) const STATE_TRACEPOINT: &str = "sock/inet_sock_set_state";

/// Arguments and results only: the kernel does not say where anything is in its structures.
const NO_BTF_KPROBE: &[Hook] = &[
    by_call(required(
        &["tcp_send"],
        &[returned!(
            "tcp_sendmsg",
            "no_btf_tcp_sendmsg",
            "no_btf_tcp_sendmsg_returns"
        )],
    )),
    by_call(if_present(
        &["tcp_sendpage"],
        &[returned!(
            "tcp_sendpage",
            "no_btf_tcp_sendpage",
            "no_btf_tcp_sendpage_returns"
        )],
        "sendfile over TCP",
    )),
    by_call(required(
        &["udp_send"],
        &[returned!(
            "udp_sendmsg",
            "no_btf_udp_sendmsg",
            "no_btf_udp_sendmsg_returns"
        )],
    )),
    by_call(if_present(
        &["udp6_send"],
        &[returned!(
            "udpv6_sendmsg",
            "no_btf_udp6_sendmsg",
            "no_btf_udp6_sendmsg_returns"
        )],
        NO_UDP6,
    )),
    by_call(required(
        &["tcp_recv"],
        &[&[
            at(Attach::Kprobe, "inet_recvmsg", "no_btf_recvmsg"),
            at(Attach::Kprobe, "tcp_recvmsg", "no_btf_tcp_recvmsg"),
            at(
                Attach::Kprobe,
                "tcp_cleanup_rbuf",
                "no_btf_tcp_cleanup_rbuf",
            ),
        ]],
    )),
    by_call(if_present(
        &["tcp6_recv"],
        &[&[at(Attach::Kprobe, "inet6_recvmsg", "no_btf_recvmsg")]],
        "what is read from TCP over IPv6",
    )),
    by_call(wanted(
        &["tcp_splice"],
        &[&[at(
            Attach::Kprobe,
            "tcp_splice_read",
            "no_btf_tcp_splice_read",
        )]],
        "splice from connections",
    )),
    by_call(wanted(
        &["tcp_zerocopy_recv"],
        &[&[at(
            Attach::Kprobe,
            "tcp_getsockopt",
            "no_btf_tcp_getsockopt",
        )]],
        "TCP_ZEROCOPY_RECEIVE",
    )),
    by_call(required(
        &["udp_recv"],
        &[&[at(
            Attach::Kprobe,
            "skb_consume_udp",
            "no_btf_skb_consume_udp",
        )]],
    )),
    wanted(
        &["tcp_state"],
        &[&[at(
            Attach::Tracepoint,
            STATE_TRACEPOINT,
            "no_btf_inet_sock_set_state",
        )]],
        "addresses and states of connections",
    ),
    required(
        &["tcp_close", "udp_close"],
        &[&[at(
            Attach::Kprobe,
            "inet_sock_destruct",
            "no_btf_inet_sock_destruct",
        )]],
    ),
];
