//! Iterators: a look around before counting begins. They run in the tracer's own context.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_sock_from_file;

use crate::{
    kernel::{Address, load, offset},
    owner, seed,
    sock::{self, Probed, Sock, Trusted},
};

/// Context of `iter/task_file`, kernel 5.8 (`struct bpf_iter__task_file`).
#[repr(C)]
pub(super) struct TaskFile {
    meta: *const c_void,
    task: *const c_void,
    fd: u64,
    file: *const c_void,
}

/// Notes the receive position of every TCP socket that a process holds, kernel 5.11.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task_file")]
pub(super) extern "C" fn iter_open_sockets(ctx: *const TaskFile) -> i32 {
    // SAFETY: the verifier knows this context and proves each load.
    let file = unsafe { core::ptr::read_volatile(&raw const (*ctx).file) };
    if file.is_null() {
        return 0;
    }
    // SAFETY: a file from the iterator's context.
    let socket = unsafe { bpf_sock_from_file(file.cast_mut().cast()) };
    if socket.is_null() {
        return 0;
    }
    let sk = load::<*const c_void>(socket.cast_const().cast(), offset!(socket_sk));
    if !sk.is_null() {
        seed::open_before(Trusted(sk));
        held(ctx, Trusted(sk));
    }
    0
}

/// The same for hook sets that know a socket by its address.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task_file")]
pub(super) extern "C" fn iter_open_sockets_probed(ctx: *const TaskFile) -> i32 {
    // SAFETY: the verifier knows this context and proves each load.
    let file = unsafe { core::ptr::read_volatile(&raw const (*ctx).file) };
    if file.is_null() {
        return 0;
    }
    let sk = sock::of_file(file);
    if !sk.is_null() {
        seed::open_before(Probed(sk));
        held(ctx, Probed(sk));
    }
    0
}

/// The process that the iterator is at has this socket open.
#[inline(always)]
fn held(ctx: *const TaskFile, sk: impl Sock) {
    // SAFETY: the verifier knows this context and proves each load.
    let task = unsafe { core::ptr::read_volatile(&raw const (*ctx).task) };
    if !task.is_null() {
        seed::held_by(sk, Address(task));
    }
}

/// Runs in the tracer's context, as an iterator does: notes its pid namespace. Kernel 5.8.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task")]
pub(super) extern "C" fn iter_own_namespace(_ctx: *const c_void) -> i32 {
    owner::note_own_namespace();
    0
}
