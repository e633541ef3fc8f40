//! Kprobes, for kernels without BPF trampolines. A kretprobe no longer sees the arguments, so the
//! entry stashes the socket by thread and function.

use core::ffi::c_void;

use aya_ebpf::{
    helpers::{bpf_get_current_pid_tgid, generated::bpf_get_smp_processor_id},
    macros::{kprobe, kretprobe},
    programs::{ProbeContext, RetProbeContext},
};
use netperf_common::flow::AF_INET;

use crate::{
    bytes, close,
    emit::{self, Lost},
    kernel::offset,
    maps::{ENTRIES, EntryKey},
    queued, retrans,
    sock::{Probed, Sock as _},
    state,
};

/// `BPF_NOEXIST`: keeps what is there.
const BPF_NOEXIST: u64 = 1;

/// Every CPU has an idle thread, and all of them have the number 0: with this, the CPU's number is one.
const IDLE: u64 = 1 << 63;

/// A function whose return counts.
#[derive(Clone, Copy)]
pub(super) enum Function {
    TcpSendmsg,
    TcpSendpage,
    UdpSendmsg,
    Udp6Sendmsg,
    MptcpSendmsg,
    MptcpRecvmsg,
    TcpRetransmit,
}

/// Programs at entry and return of a function that sends and returns how much.
macro_rules! sends {
    ($function:expr, $entry:ident, $exit:ident) => {
        #[kprobe]
        pub(super) fn $entry(ctx: ProbeContext) -> u32 {
            stash(&ctx, $function);
            0
        }

        #[kretprobe]
        pub(super) fn $exit(ctx: RetProbeContext) -> u32 {
            if let Some(sk) = unstash($function) {
                bytes::sent(sk, ctx.ret());
            }
            0
        }
    };
}

/// `tcp_connect(sk)`: before the SYN has its place.
#[kprobe]
pub(crate) fn kprobe_tcp_connect(ctx: ProbeContext) -> u32 {
    queued::connects(sock(&ctx));
    0
}

/// `tcp_sendmsg_locked(sk, msg, size)`, and `do_tcp_sendpages(sk, …)` before 6.5.
#[kprobe]
pub(crate) fn kprobe_tcp_sends(ctx: ProbeContext) -> u32 {
    queued::begins(sock(&ctx));
    0
}

/// `release_sock(sk)`: after everything that a process does to a socket, and before it waits.
#[kprobe]
pub(crate) fn kprobe_release_sock(ctx: ProbeContext) -> u32 {
    queued::released(sock(&ctx));
    0
}

sends!(
    Function::MptcpSendmsg,
    kprobe_mptcp_sendmsg,
    kretprobe_mptcp_sendmsg
);
sends!(
    Function::Udp6Sendmsg,
    kprobe_udp6_sendmsg,
    kretprobe_udp6_sendmsg
);

/// Entry of `udp_sendmsg`: an IPv6 socket comes here through `udpv6_sendmsg`, which counts it.
#[kprobe]
pub(crate) fn kprobe_udp_sendmsg(ctx: ProbeContext) -> u32 {
    if sock(&ctx).field::<u16>(offset!(sock_skc_family)) == AF_INET {
        stash(&ctx, Function::UdpSendmsg);
    }
    0
}

/// Return of `udp_sendmsg`.
#[kretprobe]
pub(crate) fn kretprobe_udp_sendmsg(ctx: RetProbeContext) -> u32 {
    if let Some(sk) = unstash(Function::UdpSendmsg) {
        bytes::sent(sk, ctx.ret());
    }
    0
}

/// Entry of `mptcp_recvmsg` where flags are the fourth argument.
#[kprobe]
pub(crate) fn kprobe_mptcp_recvmsg(ctx: ProbeContext) -> u32 {
    if ctx.arg::<i32>(3).unwrap_or(0) & bytes::NOT_TAKEN == 0 {
        stash(&ctx, Function::MptcpRecvmsg);
    }
    0
}

/// Entry of `mptcp_recvmsg` where flags are the fifth argument, before 5.19.
#[kprobe]
pub(crate) fn kprobe_mptcp_recvmsg_6(ctx: ProbeContext) -> u32 {
    if ctx.arg::<i32>(4).unwrap_or(0) & bytes::NOT_TAKEN == 0 {
        stash(&ctx, Function::MptcpRecvmsg);
    }
    0
}

/// Return of `mptcp_recvmsg`.
#[kretprobe]
pub(crate) fn kretprobe_mptcp_recvmsg(ctx: RetProbeContext) -> u32 {
    if let Some(sk) = unstash(Function::MptcpRecvmsg) {
        bytes::received(sk, ctx.ret());
    }
    0
}

/// `tcp_cleanup_rbuf(sk, copied)`: after each read.
#[kprobe]
pub(crate) fn kprobe_tcp_cleanup_rbuf(ctx: ProbeContext) -> u32 {
    let copied: i32 = ctx.arg(1).unwrap_or(0);
    bytes::taken(sock(&ctx), Some(copied.max(0).cast_unsigned()));
    0
}

/// `skb_consume_udp(sk, skb, len)`; `len` is negative for a peek.
#[kprobe]
pub(crate) fn kprobe_skb_consume_udp(ctx: ProbeContext) -> u32 {
    bytes::received(sock(&ctx), ctx.arg(2).unwrap_or(0));
    0
}

/// `tcp_set_state(sk, state)`: every change but those to `SYN_SENT` before 4.16 and `LISTEN`.
#[kprobe]
pub(crate) fn kprobe_tcp_set_state(ctx: ProbeContext) -> u32 {
    let sk = sock(&ctx);
    let old: u8 = sk.field(offset!(sock_skc_state));
    state::changed(sk, i32::from(old), ctx.arg(1).unwrap_or(0));
    0
}

/// `inet_csk_listen_start(sk, …)`: the change to `LISTEN`.
#[kprobe]
pub(crate) fn kprobe_inet_csk_listen_start(ctx: ProbeContext) -> u32 {
    state::used(sock(&ctx));
    0
}

/// `__tcp_retransmit_skb(sk, skb, segs)` has counted when it returns; its caller's entry has not.
#[kprobe]
pub(crate) fn kprobe_tcp_retransmit(ctx: ProbeContext) -> u32 {
    retrans::begins(sock(&ctx));
    stash(&ctx, Function::TcpRetransmit);
    0
}

/// Return of the same.
#[kretprobe]
pub(crate) fn kretprobe_tcp_retransmit(_ctx: RetProbeContext) -> u32 {
    if let Some(sk) = unstash(Function::TcpRetransmit) {
        retrans::happened(sk, 0);
    }
    0
}

/// `inet_sock_destruct(sk)`: the end of every TCP and UDP socket.
#[kprobe]
pub(crate) fn kprobe_inet_sock_destruct(ctx: ProbeContext) -> u32 {
    close::ended_by_address(sock(&ctx));
    0
}

#[inline(always)]
pub(super) fn sock(ctx: &ProbeContext) -> Probed {
    Probed(ctx.arg::<*const c_void>(0).unwrap_or(core::ptr::null()))
}

#[inline(always)]
pub(super) fn stash(ctx: &ProbeContext, function: Function) {
    let sk = ctx.arg::<u64>(0).unwrap_or(0);
    let entry = entry(function);
    if ENTRIES.insert(entry, sk, BPF_NOEXIST).is_err() {
        // No room, or a return that was missed: the kernel keeps few kretprobes for each function.
        emit::lost(Lost::MapFull);
        let _ = ENTRIES.insert(entry, sk, 0);
    }
}

#[inline(always)]
pub(super) fn unstash(function: Function) -> Option<Probed> {
    // SAFETY: a copy of an integer that only this thread writes.
    let sk = unsafe { ENTRIES.get(entry(function)).copied() }?;
    let _ = ENTRIES.remove(entry(function));
    Some(Probed(sk as *const c_void))
}

#[inline(always)]
pub(super) fn entry(function: Function) -> EntryKey {
    let thread = match bpf_get_current_pid_tgid() {
        // SAFETY: a helper without arguments.
        0 => IDLE | u64::from(unsafe { bpf_get_smp_processor_id() }),
        thread => thread,
    };
    EntryKey {
        thread,
        function: function as u64,
    }
}
