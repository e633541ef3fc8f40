//! Can a program be put at the packets of an interface (tcx, Linux 6.6)?

#![expect(
    unsafe_code,
    reason = "bpf(2) itself: aya attaches only programs of an object"
)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::machine::{Feature, Trial};

/// `BPF_PROG_LOAD` of `enum bpf_cmd` (`linux/bpf.h`).
const PROG_LOAD: libc::c_int = 5;
/// `BPF_LINK_CREATE`.
const LINK_CREATE: libc::c_int = 28;
/// `BPF_PROG_TYPE_SCHED_CLS`.
const SCHED_CLS: u32 = 3;
/// `BPF_TCX_INGRESS` of `enum bpf_attach_type`.
const TCX_INGRESS: u32 = 46;
/// `r0 = -1` (`TCX_NEXT`), then `exit`.
const PASS: [u64; 2] = [0xffff_ffff_0000_00b7, 0x95];

/// The fields of `union bpf_attr` for `BPF_PROG_LOAD` that are not zero.
#[repr(C)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
}

/// The same for `BPF_LINK_CREATE`.
#[repr(C)]
struct LinkCreate {
    prog_fd: u32,
    target_ifindex: u32,
    attach_type: u32,
    flags: u32,
}

/// Attaches a program that lets everything pass to an interface of the calling thread's network
/// namespace, and detaches it again.
pub fn try_tcx(interface: u32) -> Trial {
    Trial::of(Feature::Tcx, attach(interface).map(drop))
}

fn attach(interface: u32) -> io::Result<OwnedFd> {
    let program = bpf(
        PROG_LOAD,
        &ProgLoad {
            prog_type: SCHED_CLS,
            insn_cnt: 2,
            insns: PASS.as_ptr().addr() as u64,
            license: c"Dual MIT/GPL".as_ptr().addr() as u64,
        },
    )?;
    let link = LinkCreate {
        prog_fd: program.as_raw_fd().unsigned_abs(),
        target_ifindex: interface,
        attach_type: TCX_INGRESS,
        flags: 0,
    };
    bpf(LINK_CREATE, &link)
}

/// Commands that make a descriptor.
fn bpf<A>(command: libc::c_int, attributes: &A) -> io::Result<OwnedFd> {
    // SAFETY: the kernel reads `size_of::<A>()` bytes, all of them integers without padding; the
    // addresses in them are of statics.
    let made = unsafe { libc::syscall(libc::SYS_bpf, command, attributes, size_of::<A>()) };
    let fd = i32::try_from(made).ok().filter(|&fd| fd >= 0);
    let fd = fd.ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the kernel just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
