//! The sets of trampolines that count.

use super::make::{NO_MPTCP, NO_SENDPAGE, NO_UDP6, at, by_call, fexit, if_present, required};
use super::tracepoint::{
    TCP_CLOSE, TCP_RECV, TCP_RETRANSMIT, TCP_RETRANSMIT_BY_ADDRESS, TCP_STATE,
    TCP_STATE_BY_ADDRESS, UDP_CLOSE,
};
use super::{Attach, Hook};

/// The members of a trampoline set that count bytes, and others. A return value is the argument
/// after the last, so the number of parameters has to be right.
macro_rules! trampolines {
    ($suffix:literal, $($others:expr),*) => {
        &[
            required(
                &["tcp_send"],
                &[&[
                    at(Attach::Fentry, "tcp_connect", concat!("fentry_tcp_connect", $suffix)),
                    at(
                        Attach::Fentry,
                        "tcp_sendmsg_locked",
                        concat!("fentry_tcp_sendmsg_locked", $suffix),
                    ),
                    at(Attach::Fentry, "release_sock", concat!("fentry_release_sock", $suffix)),
                ]],
            ),
            if_present(
                &["tcp_sendpage"],
                &[&[at(
                    Attach::Fentry,
                    "do_tcp_sendpages",
                    concat!("fentry_do_tcp_sendpages", $suffix),
                )]],
                NO_SENDPAGE,
            ),
            by_call(required(
                &["udp_send"],
                &[&[fexit(3, "udp_sendmsg", concat!("fexit_udp_sendmsg", $suffix))]],
            )),
            by_call(if_present(
                &["udp6_send"],
                &[&[fexit(3, "udpv6_sendmsg", concat!("fexit_udpv6_sendmsg", $suffix))]],
                NO_UDP6,
            )),
            by_call(if_present(
                &["mptcp_send"],
                &[&[fexit(3, "mptcp_sendmsg", concat!("fexit_mptcp_sendmsg", $suffix))]],
                NO_MPTCP,
            )),
            by_call(required(
                &["udp_recv"],
                &[&[at(
                    Attach::Fentry,
                    "skb_consume_udp",
                    concat!("fentry_skb_consume_udp", $suffix),
                )]],
            )),
            by_call(if_present(
                &["mptcp_recv"],
                &[
                    &[fexit(4, "mptcp_recvmsg", concat!("fexit_mptcp_recvmsg_4", $suffix))],
                    &[fexit(5, "mptcp_recvmsg", concat!("fexit_mptcp_recvmsg_5", $suffix))],
                    &[fexit(6, "mptcp_recvmsg", concat!("fexit_mptcp_recvmsg_6", $suffix))],
                ],
                NO_MPTCP,
            )),
            $($others),*
        ]
    };
}

/// Kernel 5.11 and later where it has BPF trampolines.
pub(super) const FENTRY: &[Hook] = trampolines!(
    "",
    TCP_RECV,
    TCP_STATE,
    TCP_RETRANSMIT,
    TCP_CLOSE,
    UDP_CLOSE
);

/// Kernel 5.5 and later: traced sockets have no storage there.
pub(super) const FENTRY_BY_ADDRESS: &[Hook] = trampolines!(
    "_probed",
    required(
        &["tcp_recv"],
        &[&[at(
            Attach::Fentry,
            "tcp_cleanup_rbuf",
            "fentry_tcp_cleanup_rbuf_probed",
        )]],
    ),
    TCP_STATE_BY_ADDRESS,
    TCP_RETRANSMIT_BY_ADDRESS,
    required(
        &["tcp_close", "udp_close"],
        &[&[at(
            Attach::Fentry,
            "inet_sock_destruct",
            "fentry_inet_sock_destruct_probed",
        )]],
    )
);
