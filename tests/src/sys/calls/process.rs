//! Processes, and the descriptors that they pass to each other.

#![expect(
    unsafe_code,
    reason = "raw system calls, each behind a function that is safe to call"
)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;
use nix::unistd::Pid;

/// Which side of a fork this is.
#[derive(Clone, Copy, Debug)]
pub enum Fork {
    /// The new process.
    Child,
    /// The old one, with the pid of the new.
    Parent(Pid),
}

/// Forks this process, which must have one thread.
///
/// # Errors
/// As fork(2).
pub fn fork() -> nix::Result<Fork> {
    // SAFETY: the callers have one thread, so the child may use everything that it inherits.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Child => Ok(Fork::Child),
        nix::unistd::ForkResult::Parent { child } => Ok(Fork::Parent(child)),
    }
}

/// Forks this process, which must have one thread, into one with a pid that was used before.
///
/// # Errors
/// As `clone3(2)`; the kernel must have `CONFIG_CHECKPOINT_RESTORE`.
pub fn fork_into(pid: Pid) -> nix::Result<Fork> {
    let wanted = pid.as_raw();
    // SAFETY: a struct of integers, for which zero is a value.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.exit_signal = libc::SIGCHLD.unsigned_abs().into();
    args.set_tid = u64::try_from(ptr::from_ref(&wanted).addr()).unwrap_or(0);
    args.set_tid_size = 1;
    let size = size_of::<libc::clone_args>();
    // SAFETY: without a stack of its own and shared memory this is a fork; the callers have one
    // thread, so the child may use everything that it inherits.
    let made = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size) };
    match Errno::result(made)? {
        0 => Ok(Fork::Child),
        _ => Ok(Fork::Parent(pid)),
    }
}

/// Ends a forked process without running what its parent registered for its own end.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: has no precondition.
    unsafe { libc::_exit(status) }
}

/// Ends the calling thread only, as a leader does whose threads live on.
pub fn exit_thread() -> ! {
    // SAFETY: the caller is the leader of a process whose other thread ends the process, so
    // nothing on this stack is needed again.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
    exit_now(1)
}

/// Waits for the signal that ends this process.
pub fn await_kill() -> ! {
    loop {
        // SAFETY: has no precondition.
        unsafe { libc::pause() };
    }
}

/// A duplicate of the descriptor `theirs` of the process `pid`.
///
/// # Errors
/// As `pidfd_open(2)` and `pidfd_getfd(2)`.
pub fn take_descriptor(pid: u32, theirs: i32) -> io::Result<OwnedFd> {
    let process = process(pid)?;
    // SAFETY: takes integers only.
    let taken = unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), theirs, 0) };
    own(taken)
}

/// A descriptor of the process `pid`, readable when it has ended.
///
/// # Errors
/// As `pidfd_open(2)`.
pub fn process(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: takes integers only.
    own(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })
}

fn own(made: libc::c_long) -> io::Result<OwnedFd> {
    let fd = i32::try_from(Errno::result(made)?).map_err(io::Error::other)?;
    // SAFETY: the kernel has just created this descriptor, and no other value owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes over a descriptor that this process was started with.
///
/// # Errors
/// `EBADF` when there is none.
pub fn adopt(fd: i32) -> nix::Result<OwnedFd> {
    // SAFETY: takes integers only.
    Errno::result(unsafe { libc::fcntl(fd, libc::F_GETFD) })?;
    // SAFETY: it is open, and the program that calls this at its start knows of no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
