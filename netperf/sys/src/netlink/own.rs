//! Where can something be tried without touching any interface of this machine?

use std::io;
use std::thread;

use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Index of the loopback interface, in every network namespace.
pub(super) const LOOPBACK: u32 = 1;

/// Runs `act` in a thread with a network namespace of its own, which has a loopback interface and
/// goes with the thread. Needs `CAP_SYS_ADMIN`.
///
/// # Errors
/// When the kernel refuses the namespace.
pub fn in_own_namespace<T: Send + 'static>(
    act: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let trying = thread::Builder::new().spawn(move || -> io::Result<T> {
        enter()?;
        Ok(act())
    })?;
    let panicked = |_| io::Error::other("the trial ended early");
    trying.join().map_err(panicked)?
}

fn enter() -> io::Result<()> {
    #![expect(unsafe_code, reason = "moves the calling thread")]
    // SAFETY: a network namespace has no part in any promise of the standard library: descriptors,
    // memory and file systems stay shared.
    Ok(unsafe { unshare_unsafe(UnshareFlags::NEWNET) }?)
}
