//! Who sends? What leaves by UDP, and the first segment of a TCP connection, leaves in the call of the
//! process that sends it.

use core::ffi::c_void;

use aya_ebpf::helpers::{bpf_get_current_task, bpf_probe_read_kernel};
use netperf_common::flow::Owner;

use crate::maps::fact;

/// `PF_KTHREAD` of `task_struct.flags`.
const PF_KTHREAD: u32 = 0x0020_0000;

/// Describes the process that runs now; kernel threads are nobody.
#[inline(always)]
pub(crate) fn fill(owner: *mut Owner) {
    // SAFETY: a helper without arguments.
    let task = unsafe { bpf_get_current_task() } as *const c_void;
    if read::<u32>(task, fact!(flags)) & PF_KTHREAD != 0 {
        return;
    }
    let leader = read::<u64>(task, fact!(group_leader)) as *const c_void;
    let cred = read::<u64>(task, fact!(cred)) as *const c_void;
    let tgid = read(task, fact!(tgid));
    // SAFETY: fields of an entry that the verifier knows.
    unsafe {
        (*owner).start_ns = read(leader, fact!(start_boottime));
        (*owner).comm = read(leader, fact!(comm));
        (*owner).uid = read(cred, fact!(uid));
        (*owner).host_tgid = tgid;
        (*owner).tgid = tgid;
    }
}

/// The network namespace that the current thread is in.
#[inline(always)]
pub(crate) fn netns() -> u32 {
    // SAFETY: a helper without arguments.
    let task = unsafe { bpf_get_current_task() } as *const c_void;
    let namespaces = read::<u64>(task, fact!(nsproxy)) as *const c_void;
    let net = read::<u64>(namespaces, fact!(net_ns)) as *const c_void;
    read(net, fact!(inum))
}

/// Copies a value out of kernel memory; zero where that memory can't be read.
#[inline(always)]
fn read<T: Default>(base: *const c_void, offset: u32) -> T {
    let source = base.wrapping_byte_add(offset as usize).cast::<T>();
    // SAFETY: the helper checks the address and fails instead of faulting.
    unsafe { bpf_probe_read_kernel(source) }.unwrap_or_default()
}
