//! Waiting for events of a descriptor.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Waits until `fd` has data, and returns all its events.
///
/// # Errors
/// As poll(2).
pub fn readable(fd: &impl AsFd) -> nix::Result<PollFlags> {
    event(fd, PollFlags::POLLIN)
}

/// Waits until `fd` accepts data.
///
/// # Errors
/// As poll(2).
pub fn writable(fd: &impl AsFd) -> nix::Result<PollFlags> {
    event(fd, PollFlags::POLLOUT)
}

/// Waits until the peer has ended its direction of the stream.
///
/// # Errors
/// As poll(2).
pub fn peer_end(fd: &impl AsFd) -> nix::Result<PollFlags> {
    event(fd, PollFlags::from_bits_retain(libc::POLLRDHUP))
}

/// Waits until both directions have ended, or the descriptor has an error.
///
/// # Errors
/// As poll(2).
pub fn hang_up(fd: &impl AsFd) -> nix::Result<PollFlags> {
    event(fd, PollFlags::empty())
}

/// Waits until an urgent byte has come.
///
/// # Errors
/// As poll(2).
pub fn urgent(fd: &impl AsFd) -> nix::Result<PollFlags> {
    event(fd, PollFlags::POLLPRI)
}

/// Waits until one of two descriptors has data or has ended, and returns which: 0 or 1.
///
/// # Errors
/// As poll(2).
pub fn either(first: &impl AsFd, second: &impl AsFd) -> nix::Result<Option<usize>> {
    let fds = [second.as_fd(), first.as_fd()];
    let mut fds = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    poll(&mut fds, PollTimeout::NONE)?;
    // The second one comes first: it is the request to stop.
    Ok(fds
        .iter()
        .position(|fd| fd.any() == Some(true))
        .map(|at| 1 - at))
}

fn event(fd: &impl AsFd, wanted: PollFlags) -> nix::Result<PollFlags> {
    let mut fds = [PollFd::new(fd.as_fd(), wanted)];
    poll(&mut fds, PollTimeout::NONE)?;
    let [polled] = fds;
    // Flags that nix does not know are left out.
    Ok(polled.revents().unwrap_or(PollFlags::empty()))
}
