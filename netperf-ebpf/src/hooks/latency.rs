//! Where time passes: a segment arrives, a connection is accepted. Attached for `latency` alone.

use aya_ebpf::{
    EbpfContext as _,
    macros::{btf_tracepoint, fexit, kretprobe, tracepoint},
    programs::{BtfTracePointContext, FExitContext, RetProbeContext, TracePointContext},
};

use crate::{kernel::probe, latency, sock::Probed};

/// Where the records of `syscalls/sys_exit_…` have the result, on every 64-bit kernel.
const RESULT: u32 = 16;

// `tcp_probe(sk, skb)`, kernel 4.16: a segment has arrived on an established connection.
held!(
    btf_tracepoint,
    BtfTracePointContext: tp_tcp_probe,
    tp_tcp_probe_probed,
    |sk, ctx| latency::arrived(sk)
);

/// `inet_csk_accept(sk, arg)`.
#[fexit]
pub(crate) fn fexit_inet_csk_accept_2(ctx: FExitContext) -> i32 {
    accepted(ctx.arg(2));
    0
}

/// `inet_csk_accept(sk, flags, err, kern)`, before 6.10.
#[fexit]
pub(crate) fn fexit_inet_csk_accept_4(ctx: FExitContext) -> i32 {
    accepted(ctx.arg(4));
    0
}

/// The same, whatever its parameters.
#[kretprobe]
pub(crate) fn kretprobe_inet_csk_accept(ctx: RetProbeContext) -> u32 {
    accepted(ctx.ret());
    0
}

/// `syscalls/sys_exit_accept` and `sys_exit_accept4`, where the kernel accepts nothing else.
#[tracepoint]
pub(crate) fn record_accept(ctx: TracePointContext) -> u32 {
    latency::accepted_as(probe(ctx.as_ptr(), RESULT));
    0
}

/// Null if none was accepted.
#[inline(always)]
fn accepted(sk: u64) {
    if sk != 0 {
        latency::accepted(Probed(sk as *const core::ffi::c_void));
    }
}
