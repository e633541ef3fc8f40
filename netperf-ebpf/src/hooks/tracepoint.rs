//! BTF tracepoints: no kprobe and no trampoline needed, so that hardened kernels accept them.

use core::ffi::c_void;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{bytes, close, retrans, sock::Trusted, state};

/// `sock_send_length(sk, ret, flags)`, kernel 6.3.
#[btf_tracepoint(function = "sock_send_length")]
pub fn tp_sock_send_length(ctx: BtfTracePointContext) -> i32 {
    bytes::sent(sock(&ctx), ctx.arg(1));
    0
}

/// `sock_recv_length(sk, ret, flags)`, kernel 6.3.
#[btf_tracepoint(function = "sock_recv_length")]
pub fn tp_sock_recv_length(ctx: BtfTracePointContext) -> i32 {
    if ctx.arg::<i32>(2) & bytes::NOT_TAKEN == 0 {
        bytes::received(sock(&ctx), ctx.arg(1));
    }
    0
}

/// `tcp_rcv_space_adjust(sk)`, kernel 4.16: each time a reader moved the receive position.
#[btf_tracepoint(function = "tcp_rcv_space_adjust")]
pub fn tp_tcp_rcv_space_adjust(ctx: BtfTracePointContext) -> i32 {
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
    |sk, ctx| retrans::happened(sk)
);

/// `tcp_destroy_sock(sk)`, kernel 4.16: no process and no timer holds the socket any more.
#[btf_tracepoint(function = "tcp_destroy_sock")]
pub fn tp_tcp_destroy_sock(ctx: BtfTracePointContext) -> i32 {
    close::ended(sock(&ctx));
    0
}

#[inline(always)]
fn sock(ctx: &BtfTracePointContext) -> Trusted {
    Trusted(ctx.arg::<*const c_void>(0))
}
