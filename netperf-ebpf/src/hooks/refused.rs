//! Where connections find no port, and sockets no address. Attached for `states`, and for `doctor` with
//! where connections fail for any other reason.
//!
//! `inet_hash_connect` and its sibling for IPv6 look for the port of a connection, whoever opens it:
//! `connect`, Fast Open, MPTCP, `io_uring`. Unlike `connect`, they do not wait for the other end.

use core::ffi::c_void;

use aya_ebpf::{
    EbpfContext as _,
    macros::{btf_tracepoint, fexit, kprobe, kretprobe, tracepoint},
    programs::{
        BtfTracePointContext, FExitContext, ProbeContext, RetProbeContext, TracePointContext,
    },
};

use crate::{
    kernel::probe,
    refused::{self, SockAddr},
    sock::{self, Probed},
};

/// Where the records of `syscalls/sys_enter_…` have the first two arguments, on every 64-bit kernel.
const FIRST: u32 = 16;
const SECOND: u32 = 24;
/// Where those of `syscalls/sys_exit_…` have the result.
const RESULT: u32 = 16;

/// `inet_hash_connect(death_row, sk)`.
#[fexit]
pub(crate) fn fexit_inet_hash_connect(ctx: FExitContext) -> i32 {
    refused::port_for(Probed(ctx.arg(1)), ctx.arg(2));
    0
}

/// `inet6_hash_connect(death_row, sk)`.
#[fexit]
pub(crate) fn fexit_inet6_hash_connect(ctx: FExitContext) -> i32 {
    refused::port_for(Probed(ctx.arg(1)), ctx.arg(2));
    0
}

/// `inet_bind(sock, uaddr, addr_len)`.
#[fexit]
pub(crate) fn fexit_inet_bind(ctx: FExitContext) -> i32 {
    bound(ctx.arg(0), ctx.arg(1), ctx.arg(3));
    0
}

/// `inet6_bind(sock, uaddr, addr_len)`.
#[fexit]
pub(crate) fn fexit_inet6_bind(ctx: FExitContext) -> i32 {
    bound(ctx.arg(0), ctx.arg(1), ctx.arg(3));
    0
}

/// `inet_sock_set_state(sk, oldstate, newstate)`, kernel 4.16: the socket has its error by then.
#[btf_tracepoint(function = "inet_sock_set_state")]
pub(crate) fn tp_attempt(ctx: BtfTracePointContext) -> i32 {
    refused::moves(Probed(ctx.arg(0)), ctx.arg(1), ctx.arg(2));
    0
}

/// `tcp_v4_connect(sk, uaddr, addr_len)`: it looks for a route, among others, and waits for nobody.
#[fexit]
pub(crate) fn fexit_tcp_v4_connect(ctx: FExitContext) -> i32 {
    begun_connecting(ctx.arg(0), ctx.arg(1), ctx.arg(3));
    0
}

/// `tcp_v6_connect(sk, uaddr, addr_len)`.
#[fexit]
pub(crate) fn fexit_tcp_v6_connect(ctx: FExitContext) -> i32 {
    begun_connecting(ctx.arg(0), ctx.arg(1), ctx.arg(3));
    0
}

/// Entry of `tcp_v4_connect` and `tcp_v6_connect`.
#[kprobe]
pub(crate) fn kprobe_begin_connecting(ctx: ProbeContext) -> u32 {
    refused::begins(ctx.arg(0).unwrap_or(0), ctx.arg(1).unwrap_or(0));
    0
}

/// Return of the same. One of them may have called the other, and has nothing to tell then. Neither has one
/// that has come to look for a port, which that call has told.
#[kretprobe]
pub(crate) fn kretprobe_begin_connecting(ctx: RetProbeContext) -> u32 {
    if let Some(call) = refused::begun() {
        refused::forget();
        if call.address != 0 {
            let (sk, to) = (call.socket as *const c_void, call.address as *const c_void);
            begun_connecting(sk, to, ctx.ret());
        }
    }
    0
}

/// Entry of `inet_hash_connect` and `inet6_hash_connect`.
#[kprobe]
pub(crate) fn kprobe_hash_connect(ctx: ProbeContext) -> u32 {
    refused::begins(ctx.arg(1).unwrap_or(0), 0);
    0
}

/// Return of the same.
#[kretprobe]
pub(crate) fn kretprobe_hash_connect(ctx: RetProbeContext) -> u32 {
    if let Some(call) = refused::begun() {
        refused::port_for(Probed(call.socket as *const c_void), ctx.ret());
    }
    0
}

/// Entry of `inet_bind` and `inet6_bind`.
#[kprobe]
pub(crate) fn kprobe_bind(ctx: ProbeContext) -> u32 {
    refused::begins(ctx.arg(0).unwrap_or(0), ctx.arg(1).unwrap_or(0));
    0
}

/// Return of the same.
#[kretprobe]
pub(crate) fn kretprobe_bind(ctx: RetProbeContext) -> u32 {
    if let Some(call) = refused::begun() {
        bound(
            call.socket as *const c_void,
            call.address as *const c_void,
            ctx.ret(),
        );
    }
    0
}

/// `syscalls/sys_enter_connect` and `sys_enter_bind`: a descriptor, and an address of the user's.
#[tracepoint]
pub(crate) fn record_call_begins(ctx: TracePointContext) -> u32 {
    let record = ctx.as_ptr();
    refused::begins(probe(record, FIRST), probe(record, SECOND));
    0
}

/// `syscalls/sys_exit_connect`.
#[tracepoint]
pub(crate) fn record_connect_ends(ctx: TracePointContext) -> u32 {
    if let Some((sk, to, result)) = ended(&ctx, refused::ended_with) {
        refused::connect(sk, to, result);
    }
    0
}

/// `syscalls/sys_exit_bind`.
#[tracepoint]
pub(crate) fn record_bind_ends(ctx: TracePointContext) -> u32 {
    if let Some((sk, to, result)) = ended(&ctx, refused::counted) {
        refused::bind(sk, to, result);
    }
    0
}

#[inline(always)]
fn begun_connecting(sk: *const c_void, to: *const c_void, result: i32) {
    refused::begun_connecting(Probed(sk), SockAddr::Kernels(to), result);
}

#[inline(always)]
fn bound(socket: *const c_void, to: *const c_void, result: i32) {
    refused::bind(refused::of_socket(socket), SockAddr::Kernels(to), result);
}

/// The socket, address and result of a system call that failed with what counts.
#[inline(always)]
fn ended(
    ctx: &TracePointContext,
    counted: impl Fn(i32) -> Option<u8>,
) -> Option<(Probed, SockAddr, i32)> {
    let result = probe::<i64>(ctx.as_ptr(), RESULT) as i32;
    counted(result)?;
    let call = refused::begun()?;
    let sk = sock::of_descriptor(call.socket as u32);
    let to = SockAddr::Users(call.address as *const c_void);
    (!sk.is_null()).then_some((Probed(sk), to, result))
}
