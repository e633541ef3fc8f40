//! How often did the kernel not run a program? It does not while the same program is underway on that
//! CPU: in a process that was preempted in it, which trampolines allow, and tracepoints since 7.0.
#![expect(
    unsafe_code,
    reason = "asks the kernel about a program, which aya does in part"
)]

use std::os::fd::{AsFd as _, AsRawFd as _};

use aya::Ebpf;

use super::hooks::HookSet;

/// `BPF_OBJ_GET_INFO_BY_FD`.
const GET_INFO: libc::c_long = 15;

/// `struct bpf_prog_info` up to `recursion_misses`, kernel 5.12; zero where it ends earlier.
#[repr(C)]
struct ProgramInfo {
    before: [u64; 26],
    recursion_misses: u64,
}

/// `union bpf_attr` of the command.
#[repr(C)]
struct Ask {
    fd: u32,
    info_len: u32,
    info: u64,
}

/// Calls of a set's functions that were not counted, and that no later look makes up for.
pub(super) fn missed(ebpf: &Ebpf, set: &HookSet) -> u64 {
    let hooks = set.all().filter(|hook| hook.by_call);
    hooks
        .flat_map(|hook| hook.alternatives.iter().copied().flatten())
        .filter_map(|attachment| {
            let fd = ebpf.program(attachment.program)?.fd().ok()?;
            recursion_misses(fd.as_fd().as_raw_fd())
        })
        .sum()
}

fn recursion_misses(fd: i32) -> Option<u64> {
    let mut info = ProgramInfo {
        before: [0; 26],
        recursion_misses: 0,
    };
    let mut ask = Ask {
        fd: u32::try_from(fd).ok()?,
        info_len: u32::try_from(size_of::<ProgramInfo>()).ok()?,
        info: (&raw mut info) as u64,
    };
    // SAFETY: the kernel writes at most `info_len` bytes to `info`, and the length it has to `ask`.
    let status = unsafe { libc::syscall(libc::SYS_bpf, GET_INFO, &raw mut ask, size_of::<Ask>()) };
    (status == 0).then_some(info.recursion_misses)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offsets in `linux/bpf.h`.
    #[test]
    fn the_count_is_where_the_kernel_writes_it() {
        assert_eq!(std::mem::offset_of!(ProgramInfo, recursion_misses), 208);
    }
}
