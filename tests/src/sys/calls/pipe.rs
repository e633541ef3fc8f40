//! Pipes: their size, and what waits in them.

#![expect(
    unsafe_code,
    reason = "raw system calls, each behind a function that is safe to call"
)]

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

/// Gives a pipe room for `bytes`, which the kernel rounds up to pages.
///
/// # Errors
/// As fcntl(2), `F_SETPIPE_SZ`.
pub fn set_pipe_size(pipe: &impl AsFd, bytes: i32) -> nix::Result<()> {
    fcntl(pipe, FcntlArg::F_SETPIPE_SZ(bytes)).map(drop)
}

/// Bytes that wait in a pipe to be read.
///
/// # Errors
/// As ioctl(2), `FIONREAD`.
pub fn bytes_waiting(pipe: &impl AsFd) -> nix::Result<usize> {
    let mut bytes: libc::c_int = 0;
    let fd = pipe.as_fd().as_raw_fd();
    // SAFETY: this request writes one integer, which outlives the call.
    let status = unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut bytes) };
    Errno::result(status)?;
    Ok(usize::try_from(bytes).unwrap_or(0))
}
