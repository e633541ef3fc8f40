//! BTF tracepoints: no kprobe and no trampoline needed, so that hardened kernels accept them.

use core::ffi::c_void;

use aya_ebpf::{EbpfContext as _, macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{
    bytes, close, dropped,
    kernel::{Address, probe_ptr},
    reset, retrans,
    sock::{Probed, Trusted},
    state,
};

/// `sock_send_length(sk, ret, flags)`, kernel 6.3.
#[btf_tracepoint(function = "sock_send_length")]
pub(crate) fn tp_sock_send_length(ctx: BtfTracePointContext) -> i32 {
    bytes::sent(sock(&ctx), ctx.arg(1));
    0
}

/// `sock_recv_length(sk, ret, flags)`, kernel 6.3.
#[btf_tracepoint(function = "sock_recv_length")]
pub(crate) fn tp_sock_recv_length(ctx: BtfTracePointContext) -> i32 {
    if ctx.arg::<i32>(2) & bytes::NOT_TAKEN == 0 {
        bytes::received(sock(&ctx), ctx.arg(1));
    }
    0
}

/// `tcp_rcv_space_adjust(sk)`, kernel 4.16: each time a reader moved the receive position.
#[btf_tracepoint(function = "tcp_rcv_space_adjust")]
pub(crate) fn tp_tcp_rcv_space_adjust(ctx: BtfTracePointContext) -> i32 {
    bytes::taken(sock(&ctx), None);
    0
}

// `inet_sock_set_state(sk, oldstate, newstate)`, kernel 4.16.
held!(
    btf_tracepoint,
    BtfTracePointContext: tp_inet_sock_set_state,
    tp_inet_sock_set_state_probed,
    |sk, ctx| state::changed(sk, ctx.arg(1), ctx.arg(2))
);

// `tcp_retransmit_skb(sk, skb, …)`, kernel 4.15.
held!(
    btf_tracepoint,
    BtfTracePointContext: tp_tcp_retransmit_skb,
    tp_tcp_retransmit_skb_probed,
    |sk, ctx| retrans::happened(sk, retrans::segments(address(&ctx, 1)))
);

// `tcp_retransmit_synack(sk, req)`, kernel 4.15.
held!(
    btf_tracepoint,
    BtfTracePointContext: tp_tcp_retransmit_synack,
    tp_tcp_retransmit_synack_probed,
    |sk, ctx| retrans::synack(sk, address(&ctx, 1))
);

// `tcp_receive_reset(sk)`, kernel 4.15.
held!(
    btf_tracepoint,
    BtfTracePointContext: tp_tcp_receive_reset,
    tp_tcp_receive_reset_probed,
    |sk, ctx| reset::received(sk)
);

/// `tcp_send_reset(sk, skb, …)`, kernel 4.15; both may be null.
#[btf_tracepoint(function = "tcp_send_reset")]
pub(crate) fn tp_tcp_send_reset(ctx: BtfTracePointContext) -> i32 {
    let sk = sock(&ctx);
    reset::sent(
        (!sk.0.is_null()).then_some(sk),
        address(&ctx, 0),
        address(&ctx, 1),
    );
    0
}

/// The same for sockets that are known by their address.
#[btf_tracepoint(function = "tcp_send_reset")]
pub(crate) fn tp_tcp_send_reset_probed(ctx: BtfTracePointContext) -> i32 {
    let sk = address(&ctx, 0);
    reset::sent(Some(Probed(sk.0)), sk, address(&ctx, 1));
    0
}

/// `kfree_skb(skb, location, reason)`, kernel 5.17.
#[btf_tracepoint(function = "kfree_skb")]
pub(crate) fn tp_kfree_skb_3(ctx: BtfTracePointContext) -> i32 {
    dropped::packet(address(&ctx, 0), ctx.arg(2), None::<Probed>);
    0
}

/// `kfree_skb(skb, location, reason, rx_sk)`, kernel 6.11; the socket may be null.
#[btf_tracepoint(function = "kfree_skb")]
pub(crate) fn tp_kfree_skb_4(ctx: BtfTracePointContext) -> i32 {
    let sk = ctx.arg::<*const c_void>(3);
    let sk = (!sk.is_null()).then_some(Trusted(sk));
    dropped::packet(address(&ctx, 0), ctx.arg(2), sk);
    0
}

/// `tcp_destroy_sock(sk)`, kernel 4.16: no process and no timer holds the socket any more.
#[btf_tracepoint(function = "tcp_destroy_sock")]
pub(crate) fn tp_tcp_destroy_sock(ctx: BtfTracePointContext) -> i32 {
    close::ended(sock(&ctx));
    0
}

/// An argument as an address alone: with one that may be null the verifier allows no reckoning.
#[inline(always)]
fn address(ctx: &BtfTracePointContext, argument: u32) -> Address {
    Address(probe_ptr(ctx.as_ptr(), argument * 8))
}

#[inline(always)]
fn sock(ctx: &BtfTracePointContext) -> Trusted {
    Trusted(ctx.arg::<*const c_void>(0))
}
