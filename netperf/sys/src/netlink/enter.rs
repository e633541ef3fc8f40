//! How is something done in another network namespace, without moving this process there?

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Runs `act` in a thread that has entered this network namespace and lives no longer than that.
/// Needs `CAP_SYS_ADMIN`.
///
/// # Errors
/// When the namespace can't be entered, and what `act` says.
pub fn inside<T: Send>(
    namespace: &File,
    act: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    let enter_and_act = || {
        let kind = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(namespace.as_fd(), kind)?;
        act()
    };
    let panicked = |_| io::Error::other("the thread that enters it panicked");
    thread::scope(|scope| scope.spawn(enter_and_act).join()).map_err(panicked)?
}
