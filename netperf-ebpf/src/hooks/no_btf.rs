//! Kprobes and a tracepoint for kernels without type information: arguments and results alone.

use aya_ebpf::{
    EbpfContext as _,
    macros::{kprobe, kretprobe, tracepoint},
    programs::{ProbeContext, RetProbeContext, TracePointContext},
};

use super::kprobe::{Function, entry, sock, stash, unstash};
use crate::{
    maps::ENTRIES,
    no_btf::{self, SockByAddress},
};

/// `SOL_TCP`.
const SOL_TCP: i32 = 6;
/// `TCP_ZEROCOPY_RECEIVE`.
const TCP_ZEROCOPY_RECEIVE: i32 = 35;

/// Programs at entry and return of a function that sends and returns how much.
macro_rules! sends {
    ($function:expr, $protocol:ident, $entry:ident, $exit:ident) => {
        #[kprobe]
        pub(super) fn $entry(ctx: ProbeContext) -> u32 {
            stash(&ctx, $function);
            0
        }

        sends!($function, $protocol, $exit);
    };
    ($function:expr, $protocol:ident, $exit:ident) => {
        #[kretprobe]
        pub(super) fn $exit(ctx: RetProbeContext) -> u32 {
            if let Some(sk) = unstash($function) {
                no_btf::sent(SockByAddress::$protocol(sk), ctx.ret());
            }
            0
        }
    };
}

// `tcp_sendmsg(sk, msg, size)`; what TLS and MPTCP send goes past it.
sends!(
    Function::TcpSendmsg,
    tcp,
    no_btf_tcp_sendmsg,
    no_btf_tcp_sendmsg_returns
);
// `tcp_sendpage(sk, page, offset, size, flags)`, before 6.5.
sends!(
    Function::TcpSendpage,
    tcp,
    no_btf_tcp_sendpage,
    no_btf_tcp_sendpage_returns
);
// `udpv6_sendmsg(sk, msg, len)`.
sends!(
    Function::Udp6Sendmsg,
    udp,
    no_btf_udp6_sendmsg,
    no_btf_udp6_sendmsg_returns
);
// `udp_sendmsg(sk, msg, len)`.
sends!(Function::UdpSendmsg, udp, no_btf_udp_sendmsg_returns);

/// Entry of `udp_sendmsg`: an IPv6 socket comes here from within `udpv6_sendmsg`, which counts it.
#[kprobe]
pub(crate) fn no_btf_udp_sendmsg(ctx: ProbeContext) -> u32 {
    // SAFETY: a copy of an integer that only this thread writes.
    let outer = unsafe { ENTRIES.get(entry(Function::Udp6Sendmsg)).copied() };
    if outer != Some(sock(&ctx).0 as u64) {
        stash(&ctx, Function::UdpSendmsg);
    }
    0
}

/// `inet_recvmsg(sock, msg, size, flags)` and `inet6_recvmsg`: the flags come fourth on every kernel,
/// unlike those of the functions below them.
#[kprobe]
pub(crate) fn no_btf_recvmsg(ctx: ProbeContext) -> u32 {
    no_btf::read_begins(ctx.arg(3).unwrap_or(0));
    0
}

/// `tcp_recvmsg(sk, …)`.
#[kprobe]
pub(crate) fn no_btf_tcp_recvmsg(ctx: ProbeContext) -> u32 {
    no_btf::tcp_read_begins(sock(&ctx));
    0
}

/// `tcp_cleanup_rbuf(sk, copied)`: before a read waits, and at its end.
#[kprobe]
pub(crate) fn no_btf_tcp_cleanup_rbuf(ctx: ProbeContext) -> u32 {
    no_btf::taken_until_now(SockByAddress::tcp(sock(&ctx)), ctx.arg(1).unwrap_or(0));
    0
}

/// `tcp_splice_read(sock, …)`.
#[kprobe]
pub(crate) fn no_btf_tcp_splice_read(_ctx: ProbeContext) -> u32 {
    no_btf::portions_begin();
    0
}

/// `tcp_getsockopt(sk, level, optname, …)`, of which one option takes bytes.
#[kprobe]
pub(crate) fn no_btf_tcp_getsockopt(ctx: ProbeContext) -> u32 {
    let (level, option): (i32, i32) = (ctx.arg(1).unwrap_or(0), ctx.arg(2).unwrap_or(0));
    if level == SOL_TCP && option == TCP_ZEROCOPY_RECEIVE {
        no_btf::portions_begin();
    }
    0
}

/// `skb_consume_udp(sk, skb, len)`; `len` is negative for a peek.
#[kprobe]
pub(crate) fn no_btf_skb_consume_udp(ctx: ProbeContext) -> u32 {
    no_btf::received(SockByAddress::udp(sock(&ctx)), ctx.arg(2).unwrap_or(0));
    0
}

/// `sock/inet_sock_set_state`, kernel 4.16.
#[tracepoint]
pub(crate) fn no_btf_inet_sock_set_state(ctx: TracePointContext) -> u32 {
    no_btf::state_changed(ctx.as_ptr());
    0
}

/// `inet_sock_destruct(sk)`: the end of every TCP and UDP socket.
#[kprobe]
pub(crate) fn no_btf_inet_sock_destruct(ctx: ProbeContext) -> u32 {
    no_btf::ended(sock(&ctx));
    0
}
