//! Kprobes, for kernels without BPF trampolines. A kretprobe no longer sees the arguments, so the
//! entry stashes the socket by thread.

use core::ffi::c_void;

use aya_ebpf::{
    helpers::bpf_get_current_pid_tgid,
    macros::{kprobe, kretprobe},
    programs::{ProbeContext, RetProbeContext},
};
use netperf_common::flow::AF_INET;

use crate::{
    bytes, close,
    kernel::offset,
    maps::ENTRIES,
    retrans,
    sock::{Probed, Sock as _},
    state,
};

/// `MSG_PEEK`: bytes that stay in the socket.
const MSG_PEEK: i32 = 2;

/// Entry of `tcp_sendmsg_locked`, `do_tcp_sendpages`, `mptcp_sendmsg` and `udpv6_sendmsg`.
#[kprobe]
pub fn kprobe_send_entry(ctx: ProbeContext) -> u32 {
    stash(&ctx);
    0
}

/// Return of the same.
#[kretprobe]
pub fn kretprobe_sent(ctx: RetProbeContext) -> u32 {
    if let Some(sk) = unstash() {
        bytes::sent(sk, ctx.ret());
    }
    0
}

/// Entry of `udp_sendmsg`: an IPv6 socket comes here through `udpv6_sendmsg`, which counts it.
#[kprobe]
pub fn kprobe_udp_send_entry(ctx: ProbeContext) -> u32 {
    let sk = Probed(ctx.arg(0).unwrap_or(core::ptr::null()));
    if sk.field::<u16>(offset!(sock_skc_family)) == AF_INET {
        stash(&ctx);
    }
    0
}

/// Entry of `mptcp_recvmsg` where flags are the fourth argument.
#[kprobe]
pub fn kprobe_mptcp_recv_entry(ctx: ProbeContext) -> u32 {
    if ctx.arg::<i32>(3).unwrap_or(0) & MSG_PEEK == 0 {
        stash(&ctx);
    }
    0
}

/// Entry of `mptcp_recvmsg` where flags are the fifth argument, before 5.19.
#[kprobe]
pub fn kprobe_mptcp_recv_entry_6(ctx: ProbeContext) -> u32 {
    if ctx.arg::<i32>(4).unwrap_or(0) & MSG_PEEK == 0 {
        stash(&ctx);
    }
    0
}

/// Return of `mptcp_recvmsg`.
#[kretprobe]
pub fn kretprobe_received(ctx: RetProbeContext) -> u32 {
    if let Some(sk) = unstash() {
        bytes::received(sk, ctx.ret());
    }
    0
}

/// `tcp_cleanup_rbuf(sk, copied)`: after each read.
#[kprobe]
pub fn kprobe_tcp_cleanup_rbuf(ctx: ProbeContext) -> u32 {
    let copied: i32 = ctx.arg(1).unwrap_or(0);
    bytes::taken(sock(&ctx), Some(copied.max(0) as u32));
    0
}

/// `skb_consume_udp(sk, skb, len)`; `len` is negative for a peek.
#[kprobe]
pub fn kprobe_skb_consume_udp(ctx: ProbeContext) -> u32 {
    bytes::received(sock(&ctx), ctx.arg(2).unwrap_or(0));
    0
}

/// `tcp_set_state(sk, state)`: every change but those to `SYN_SENT` before 4.16 and `LISTEN`.
#[kprobe]
pub fn kprobe_tcp_set_state(ctx: ProbeContext) -> u32 {
    let sk = sock(&ctx);
    let old: u8 = sk.field(offset!(sock_skc_state));
    state::changed(sk, i32::from(old), ctx.arg(1).unwrap_or(0));
    0
}

/// `__tcp_retransmit_skb(sk, skb, segs)` has counted when it returns; its caller's entry has not.
#[kprobe]
pub fn kprobe_retransmit_entry(ctx: ProbeContext) -> u32 {
    stash(&ctx);
    0
}

/// Return of the same.
#[kretprobe]
pub fn kretprobe_retransmitted(_ctx: RetProbeContext) -> u32 {
    if let Some(sk) = unstash() {
        retrans::happened(sk);
    }
    0
}

/// `inet_sock_destruct(sk)`: the end of every TCP and UDP socket.
#[kprobe]
pub fn kprobe_inet_sock_destruct(ctx: ProbeContext) -> u32 {
    let sk = sock(&ctx);
    close::ended(sk);
    let _ = crate::maps::PROBED_SOCK_STATES.remove(sk.0 as u64);
    0
}

#[inline(always)]
fn sock(ctx: &ProbeContext) -> Probed {
    Probed(ctx.arg::<*const c_void>(0).unwrap_or(core::ptr::null()))
}

#[inline(always)]
fn stash(ctx: &ProbeContext) {
    let sk = ctx.arg::<u64>(0).unwrap_or(0);
    if ENTRIES.insert(bpf_get_current_pid_tgid(), sk, 0).is_err() {
        crate::emit::lost(crate::emit::Lost::MapFull);
    }
}

#[inline(always)]
fn unstash() -> Option<Probed> {
    let thread = bpf_get_current_pid_tgid();
    // SAFETY: a copy of an integer that only this thread writes.
    let sk = unsafe { ENTRIES.get(thread).copied() }?;
    let _ = ENTRIES.remove(thread);
    Some(Probed(sk as *const c_void))
}
