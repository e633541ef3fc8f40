//! Socket filters that drop what arrives.

#![expect(
    unsafe_code,
    reason = "raw system calls, each behind a function that is safe to call"
)]

use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

use nix::errno::Errno;

/// Which packets a socket drops before TCP sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Drops no packet.
    Nothing,
    /// One packet in ten, at random.
    OneInTen,
    /// Drops every packet.
    Everything,
}

const RETURN: u16 = 0x06;
const LOAD_WORD: u16 = 0x20;
const JUMP_IF_GREATER_OR_EQUAL: u16 = 0x35;

/// Where a load gives a random number: `SKF_AD_OFF + SKF_AD_RANDOM`.
const RANDOM: u32 = 0xffff_f000 + 56;

/// Attaches such a filter to a socket, in place of any other.
///
/// # Errors
/// As setsockopt(2).
pub fn lose(socket: &impl AsFd, what: Loss) -> nix::Result<()> {
    let one = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let keep = one(RETURN, 0, 0, u32::MAX);
    let lose = one(RETURN, 0, 0, 0);
    let mut filter = match what {
        Loss::Nothing => vec![keep],
        Loss::Everything => vec![lose],
        Loss::OneInTen => vec![
            one(LOAD_WORD, 0, 0, RANDOM),
            one(JUMP_IF_GREATER_OR_EQUAL, 0, 1, u32::MAX / 10),
            keep,
            lose,
        ],
    };
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).unwrap_or(0),
        filter: filter.as_mut_ptr(),
    };
    let length = libc::socklen_t::try_from(size_of::<libc::sock_fprog>()).unwrap_or(0);
    // SAFETY: a program whose instructions outlive the call, and its size.
    let status = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            ptr::from_ref(&program).cast(),
            length,
        )
    };
    Errno::result(status).map(drop)
}
