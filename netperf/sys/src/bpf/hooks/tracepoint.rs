//! Which tracepoints count? They need neither kprobes nor trampolines.

use super::make::{
    NO_RETRANS, NO_STATES, NO_UDP_CLOSE, at, by_call, on_request, required, returned, wanted,
};
use super::{Asked, Attach, Hook};

/// Kernel 6.3 and later; needs neither kprobes nor trampolines.
pub(super) const TRACEPOINT: &[Hook] = &[
    by_call(required(
        &["tcp_send", "udp_send", "mptcp_send"],
        &[&[at(Attach::TpBtf, "sock_send_length", "tp_sock_send_length")]],
    )),
    by_call(required(
        &["udp_recv", "mptcp_recv", "ktls_recv"],
        &[&[at(Attach::TpBtf, "sock_recv_length", "tp_sock_recv_length")]],
    )),
    TCP_RECV,
    on_request(Asked::ForConnections, TCP_STATE),
    TCP_RETRANSMIT,
    TCP_CLOSE,
    UDP_CLOSE,
];

/// Before 7.0, nothing can come between here; a trampoline at `tcp_cleanup_rbuf` can be missed. What the
/// last read of a connection took is lost with it.
pub(super) const TCP_RECV: Hook = by_call(required(
    &["tcp_recv"],
    &[&[at(
        Attach::TpBtf,
        "tcp_rcv_space_adjust",
        "tp_tcp_rcv_space_adjust",
    )]],
));
pub(super) const TCP_STATE: Hook = wanted(
    &["tcp_state"],
    &[&[at(
        Attach::TpBtf,
        "inet_sock_set_state",
        "tp_inet_sock_set_state",
    )]],
    NO_STATES,
);
pub(super) const TCP_RETRANSMIT: Hook = wanted(
    &["tcp_retransmit"],
    &[&[at(
        Attach::TpBtf,
        "tcp_retransmit_skb",
        "tp_tcp_retransmit_skb",
    )]],
    NO_RETRANS,
);
/// [`TCP_STATE`] for sockets by address.
pub(super) const TCP_STATE_BY_ADDRESS: Hook = wanted(
    &["tcp_state"],
    &[&[at(
        Attach::TpBtf,
        "inet_sock_set_state",
        "tp_inet_sock_set_state_probed",
    )]],
    NO_STATES,
);
/// [`TCP_RETRANSMIT`] for sockets by address. Kprobes come last: a timer may interrupt the program of
/// another kprobe, and theirs does not run then.
pub(super) const TCP_RETRANSMIT_BY_ADDRESS: Hook = wanted(
    &["tcp_retransmit"],
    &[
        &[at(
            Attach::TpBtf,
            "tcp_retransmit_skb",
            "tp_tcp_retransmit_skb_probed",
        )],
        returned!(
            "__tcp_retransmit_skb",
            "kprobe_tcp_retransmit",
            "kretprobe_tcp_retransmit"
        ),
    ],
    NO_RETRANS,
);
pub(super) const TCP_CLOSE: Hook = required(
    &["tcp_close"],
    &[&[at(Attach::TpBtf, "tcp_destroy_sock", "tp_tcp_destroy_sock")]],
);
pub(super) const UDP_CLOSE: Hook = wanted(
    &["udp_close", "mptcp_close"],
    &[&[at(Attach::Cgroup, "sock_release", "cgroup_sock_release")]],
    NO_UDP_CLOSE,
);
