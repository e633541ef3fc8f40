//! Trampolines (fentry, fexit). A return value is read as the argument after the last, because
//! `bpf_get_func_ret` is missing before 5.17; so each argument count has a program of its own.

use aya_ebpf::{
    macros::{fentry, fexit},
    programs::{FEntryContext, FExitContext},
};
use netperf_common::flow::AF_INET;

use crate::{bytes, close, describe::Describe, kernel::offset, queued, sock::Probed};

// `tcp_connect(sk)`: before the SYN has its place.
held!(
    fentry,
    FEntryContext: fentry_tcp_connect,
    fentry_tcp_connect_probed,
    |sk, ctx| queued::connects(sk)
);

// `tcp_sendmsg_locked(sk, msg, size)`.
held!(
    fentry,
    FEntryContext: fentry_tcp_sendmsg_locked,
    fentry_tcp_sendmsg_locked_probed,
    |sk, ctx| queued::begins(sk)
);

// `do_tcp_sendpages(sk, page, offset, size, flags)`, before 6.5.
held!(
    fentry,
    FEntryContext: fentry_do_tcp_sendpages,
    fentry_do_tcp_sendpages_probed,
    |sk, ctx| queued::begins(sk)
);

// `release_sock(sk)`: after everything that a process does to a socket, and before it waits.
held!(
    fentry,
    FEntryContext: fentry_release_sock,
    fentry_release_sock_probed,
    |sk, ctx| queued::released(sk)
);

// `mptcp_sendmsg(sk, msg, len)`.
held!(
    fexit,
    FExitContext: fexit_mptcp_sendmsg,
    fexit_mptcp_sendmsg_probed,
    |sk, ctx| bytes::sent(sk, ctx.arg(3))
);

// `udp_sendmsg(sk, msg, len)`.
held!(
    fexit,
    FExitContext: fexit_udp_sendmsg,
    fexit_udp_sendmsg_probed,
    |sk, ctx| sent_by_udp4(sk, ctx.arg(3))
);

// `udpv6_sendmsg(sk, msg, len)`.
held!(
    fexit,
    FExitContext: fexit_udpv6_sendmsg,
    fexit_udpv6_sendmsg_probed,
    |sk, ctx| bytes::sent(sk, ctx.arg(3))
);

/// `tcp_cleanup_rbuf(sk, copied)`: after each read, where no tracepoint says so.
#[fentry]
pub(crate) fn fentry_tcp_cleanup_rbuf_probed(ctx: FEntryContext) -> i32 {
    let copied = ctx.arg::<i32>(1).max(0).cast_unsigned();
    bytes::taken(Probed(ctx.arg(0)), Some(copied));
    0
}

// `skb_consume_udp(sk, skb, len)`; `len` is negative for a peek.
held!(
    fentry,
    FEntryContext: fentry_skb_consume_udp,
    fentry_skb_consume_udp_probed,
    |sk, ctx| bytes::received(sk, ctx.arg(2))
);

// `mptcp_recvmsg(sk, msg, len, flags, addr_len)`, from 5.19.
held!(
    fexit,
    FExitContext: fexit_mptcp_recvmsg_5,
    fexit_mptcp_recvmsg_5_probed,
    |sk, ctx| received_by_mptcp(sk, ctx.arg(3), ctx.arg(5))
);

// `mptcp_recvmsg(sk, msg, len, nonblock, flags, addr_len)`, before 5.19.
held!(
    fexit,
    FExitContext: fexit_mptcp_recvmsg_6,
    fexit_mptcp_recvmsg_6_probed,
    |sk, ctx| received_by_mptcp(sk, ctx.arg(4), ctx.arg(6))
);

// `mptcp_recvmsg(sk, msg, len, flags)`, where the kernel dropped `addr_len`.
held!(
    fexit,
    FExitContext: fexit_mptcp_recvmsg_4,
    fexit_mptcp_recvmsg_4_probed,
    |sk, ctx| received_by_mptcp(sk, ctx.arg(3), ctx.arg(4))
);

/// `inet_sock_destruct(sk)`: the end of every TCP and UDP socket, for sockets by address: those
/// that are held otherwise have hooks that come earlier.
#[fentry]
pub(crate) fn fentry_inet_sock_destruct_probed(ctx: FEntryContext) -> i32 {
    close::ended_by_address(Probed(ctx.arg(0)));
    0
}

/// An IPv6 socket that sends to a mapped peer comes here through `udpv6_sendmsg`, which counts it.
#[inline(always)]
fn sent_by_udp4(sk: impl Describe, bytes: i32) {
    if sk.field::<u16>(offset!(sock_skc_family)) == AF_INET {
        bytes::sent(sk, bytes);
    }
}

#[inline(always)]
fn received_by_mptcp(sk: impl Describe, flags: i32, bytes: i32) {
    if flags & bytes::NOT_TAKEN == 0 {
        bytes::received(sk, bytes);
    }
}
