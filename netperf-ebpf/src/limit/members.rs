//! The limited processes: those that user space names, and what they start.

use core::ffi::c_void;

use aya_ebpf::{
    helpers::{bpf_get_current_pid_tgid, bpf_probe_read_kernel},
    macros::{cgroup_sock, raw_tracepoint},
    programs::{RawTracePointContext, SockContext},
};
use netperf_ebpf::atomic;

use crate::{
    maps::{MEMBERS, board, fact},
    socket,
};

/// `sched_process_fork(parent, child)`: a new process is limited as its parent is. Its number may be
/// that of one that was limited, and has ended.
#[raw_tracepoint(tracepoint = "sched_process_fork")]
pub(crate) fn limit_fork(ctx: RawTracePointContext) -> i32 {
    let (parent, child) = (
        number(ctx.arg(0), fact!(tgid)),
        number(ctx.arg(1), fact!(tgid)),
    );
    if parent == child {
        return 0;
    }
    // SAFETY: only whether it is there is asked.
    let is_limited = unsafe { MEMBERS.get(parent) }.is_some();
    if is_limited && fact!(children) != 0 {
        let _ = MEMBERS.insert(child, 1, 0);
    } else {
        let _ = MEMBERS.remove(child);
    }
    0
}

/// `sched_process_exit(task)`: where programs outlive the holder, they let all pass from here on.
#[raw_tracepoint(tracepoint = "sched_process_exit")]
pub(crate) fn limit_exit(ctx: RawTracePointContext) -> i32 {
    let task = ctx.arg::<*const c_void>(0);
    // Its other threads come and go.
    let is_leader = number(task, fact!(pid)) == fact!(holder);
    if is_leader && let Some(board) = board() {
        // SAFETY: one aligned word of a map value.
        unsafe { core::ptr::write_volatile(&raw mut (*board).ended, 1) };
    }
    0
}

/// `sched_process_exec(task, ...)`: some process has another name now.
#[raw_tracepoint(tracepoint = "sched_process_exec")]
pub(crate) fn limit_exec(_ctx: RawTracePointContext) -> i32 {
    if let Some(board) = board() {
        // SAFETY: a word of a map value.
        atomic::add(unsafe { &raw mut (*board).renamed }, 1);
    }
    0
}

/// A socket is being made: limited before its first byte.
#[cgroup_sock(sock_create)]
pub(crate) fn limit_create(ctx: SockContext) -> i32 {
    let maker = (bpf_get_current_pid_tgid() >> 32) as u32;
    // SAFETY: only whether it is there is asked.
    if fact!(whole_cgroup) != 0 || unsafe { MEMBERS.get(maker) }.is_some() {
        socket::mark(ctx.sock);
    }
    1
}

#[inline(always)]
fn number(task: *const c_void, offset: u32) -> u32 {
    let number = task.wrapping_byte_add(offset as usize).cast::<u32>();
    // SAFETY: the helper checks the place; there is no process 0 where it can't be read.
    unsafe { bpf_probe_read_kernel(number) }.unwrap_or(0)
}
