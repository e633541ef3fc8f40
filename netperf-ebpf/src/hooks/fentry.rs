//! Trampolines (fentry, fexit). A return value is read as the argument after the last, because
//! `bpf_get_func_ret` is missing before 5.17; so each argument count has a program of its own.

use core::ffi::c_void;

use aya_ebpf::{
    macros::{fentry, fexit},
    programs::{FEntryContext, FExitContext},
};
use netperf_common::flow::AF_INET;

use crate::{
    bytes,
    kernel::offset,
    sock::{Sock as _, Trusted},
};

/// `MSG_PEEK`: bytes that stay in the socket.
const MSG_PEEK: i32 = 2;

/// `tcp_sendmsg_locked(sk, msg, size)`.
#[fexit(function = "tcp_sendmsg_locked")]
pub fn fexit_tcp_sendmsg_locked(ctx: FExitContext) -> i32 {
    bytes::sent(exit_sock(&ctx), ctx.arg(3));
    0
}

/// `do_tcp_sendpages(sk, page, offset, size, flags)`, before 6.5.
#[fexit(function = "do_tcp_sendpages")]
pub fn fexit_do_tcp_sendpages(ctx: FExitContext) -> i32 {
    bytes::sent(exit_sock(&ctx), ctx.arg(5));
    0
}

/// `mptcp_sendmsg(sk, msg, len)`.
#[fexit(function = "mptcp_sendmsg")]
pub fn fexit_mptcp_sendmsg(ctx: FExitContext) -> i32 {
    bytes::sent(exit_sock(&ctx), ctx.arg(3));
    0
}

/// `udp_sendmsg(sk, msg, len)`. An IPv6 socket that sends to a mapped peer comes here through
/// `udpv6_sendmsg`, which counts it.
#[fexit(function = "udp_sendmsg")]
pub fn fexit_udp_sendmsg(ctx: FExitContext) -> i32 {
    let sk = exit_sock(&ctx);
    if sk.field::<u16>(offset!(sock_skc_family)) == AF_INET {
        bytes::sent(sk, ctx.arg(3));
    }
    0
}

/// `udpv6_sendmsg(sk, msg, len)`.
#[fexit(function = "udpv6_sendmsg")]
pub fn fexit_udpv6_sendmsg(ctx: FExitContext) -> i32 {
    bytes::sent(exit_sock(&ctx), ctx.arg(3));
    0
}

/// `tcp_cleanup_rbuf(sk, copied)`: after each read.
#[fentry(function = "tcp_cleanup_rbuf")]
pub fn fentry_tcp_cleanup_rbuf(ctx: FEntryContext) -> i32 {
    let copied: i32 = ctx.arg(1);
    bytes::taken(entry_sock(&ctx), Some(copied.max(0) as u32));
    0
}

/// `skb_consume_udp(sk, skb, len)`; `len` is negative for a peek.
#[fentry(function = "skb_consume_udp")]
pub fn fentry_skb_consume_udp(ctx: FEntryContext) -> i32 {
    bytes::received(entry_sock(&ctx), ctx.arg(2));
    0
}

/// `mptcp_recvmsg(sk, msg, len, flags, addr_len)`, from 5.19.
#[fexit(function = "mptcp_recvmsg")]
pub fn fexit_mptcp_recvmsg_5(ctx: FExitContext) -> i32 {
    if ctx.arg::<i32>(3) & MSG_PEEK == 0 {
        bytes::received(exit_sock(&ctx), ctx.arg(5));
    }
    0
}

/// `mptcp_recvmsg(sk, msg, len, nonblock, flags, addr_len)`, before 5.19.
#[fexit(function = "mptcp_recvmsg")]
pub fn fexit_mptcp_recvmsg_6(ctx: FExitContext) -> i32 {
    if ctx.arg::<i32>(4) & MSG_PEEK == 0 {
        bytes::received(exit_sock(&ctx), ctx.arg(6));
    }
    0
}

/// `mptcp_recvmsg(sk, msg, len, flags)`, where the kernel dropped `addr_len`.
#[fexit(function = "mptcp_recvmsg")]
pub fn fexit_mptcp_recvmsg_4(ctx: FExitContext) -> i32 {
    if ctx.arg::<i32>(3) & MSG_PEEK == 0 {
        bytes::received(exit_sock(&ctx), ctx.arg(4));
    }
    0
}

#[inline(always)]
fn exit_sock(ctx: &FExitContext) -> Trusted {
    Trusted(ctx.arg::<*const c_void>(0))
}

#[inline(always)]
fn entry_sock(ctx: &FEntryContext) -> Trusted {
    Trusted(ctx.arg::<*const c_void>(0))
}
