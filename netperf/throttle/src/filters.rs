//! Filters at the interfaces of others, where the kernel has no tcx. The holder removes them; if it was
//! killed, a process that waits for its end does.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use netperf_sys::netlink::{self, Side};
use netperf_sys::procfs::OWN_EXECUTABLE;
use rustix::fs::{FlockOperation, flock};

/// Prefix of the names of our filters; the number of the limit follows.
const NAME: &str = "netperf-trace ";

/// Suffix of those names where a limit added the queue of the interface.
const MADE: &str = " made";

const SIDES: [Side; 2] = [Side::Arrives, Side::Leaves];

/// The holder's message that nothing is left to remove.
const DONE: &[u8] = b"done";

/// The filters of a limit, removed on drop.
#[derive(Debug)]
pub(super) struct Filters {
    target_netns: File,
    id: u8,
    waiter: Child,
}

impl Filters {
    /// Starts the process that removes the filters, before there are any.
    ///
    /// # Errors
    ///
    /// No process can be started, or what another run has left can't be removed.
    pub(super) fn begin(target_netns: &File, id: u8) -> io::Result<Self> {
        netlink::inside(target_netns, || remove(target_netns, id))?;
        let waiter = Command::new(OWN_EXECUTABLE)
            .args(["limit", "--clean-up", &id.to_string()])
            // Keys and signals meant for the holder are not for it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(target_netns.try_clone()?)
            .spawn()?;
        Ok(Self {
            target_netns: target_netns.try_clone()?,
            id,
            waiter,
        })
    }

    /// Attaches a program to an interface of the calling thread's network namespace.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub(super) fn add(
        &self,
        interface: u32,
        side: Side,
        program: BorrowedFd<'_>,
    ) -> io::Result<()> {
        let _alone = Alone::at(&self.target_netns)?;
        let is_made = netlink::add_clsact(interface)? || is_made_by_us(interface)?;
        let made = if is_made { MADE } else { "" };
        let name = format!("{NAME}{}{made}", self.id);
        netlink::add_filter(interface, side, &name, program)
    }

    /// Removes the filters.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub(super) fn remove(&self) -> io::Result<()> {
        netlink::inside(&self.target_netns, || remove(&self.target_netns, self.id))
    }
}

impl Drop for Filters {
    fn drop(&mut self) {
        match self.remove() {
            Ok(()) => {
                if let Some(mut pipe) = self.waiter.stdin.take() {
                    // One that was killed has nothing to do either.
                    let _ = pipe.write_all(DONE);
                }
            }
            // The other one tries again.
            Err(error) => log::debug!("filters are left: {error}"),
        }
        drop(self.waiter.stdin.take());
        let _ = self.waiter.wait();
    }
}

/// Waits until the holder of a limit has ended, and removes what it has left. Standard input is a pipe
/// from the holder, standard output the network namespace.
///
/// # Errors
///
/// The kernel refuses.
pub fn clean_up_after(id: u8, mut holder: impl Read, target_netns: &File) -> io::Result<()> {
    let mut said = Vec::new();
    holder.read_to_end(&mut said)?;
    if said == DONE {
        return Ok(());
    }
    netlink::inside(target_netns, || remove(target_netns, id))
}

/// Removes the filters of a limit from every interface of the calling thread's network namespace, and
/// with the last filter the queue that was added for them.
fn remove(target_netns: &File, id: u8) -> io::Result<()> {
    let _alone = Alone::at(target_netns)?;
    let mut outcome = Ok(());
    for interface in netlink::interfaces()? {
        outcome = outcome.and(remove_at(interface.index, id));
    }
    match outcome {
        // The interface has gone, and all with it.
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(()),
        outcome => outcome,
    }
}

fn remove_at(interface: u32, id: u8) -> io::Result<()> {
    let mut is_made = false;
    let mut others = 0;
    for side in SIDES {
        for filter in netlink::filters_at(interface, side)? {
            match owner(&filter.name) {
                Some((number, made)) if number == id => {
                    is_made |= made;
                    netlink::remove_filter(interface, side, &filter)?;
                }
                _ => others += 1,
            }
        }
    }
    if is_made && others == 0 {
        netlink::remove_clsact(interface)?;
    }
    Ok(())
}

/// Whether a limit has added the queue of an interface.
fn is_made_by_us(interface: u32) -> io::Result<bool> {
    for side in SIDES {
        let filters = netlink::filters_at(interface, side)?;
        if filters
            .iter()
            .any(|filter| matches!(owner(&filter.name), Some((_, true))))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The number of the limit in a filter's name, and whether a limit added the queue.
fn owner(name: &str) -> Option<(u8, bool)> {
    let rest = name.strip_prefix(NAME)?;
    let (number, made) = match rest.strip_suffix(MADE) {
        Some(number) => (number, true),
        None => (rest, false),
    };
    Some((number.parse().ok()?, made))
}

/// Excludes other limits meanwhile, by a lock on the namespace file.
struct Alone<'a>(&'a File);

impl<'a> Alone<'a> {
    fn at(target_netns: &'a File) -> io::Result<Self> {
        flock(target_netns, FlockOperation::LockExclusive)?;
        Ok(Self(target_netns))
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        // It ends with the descriptor at the latest.
        let _ = flock(self.0, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_says_whose_it_is() {
        assert_eq!(owner("netperf-trace 3"), Some((3, false)));
        assert_eq!(owner("netperf-trace 16 made"), Some((16, true)));
        for name in [
            "",
            "cil_from_netdev",
            "netperf-trace",
            "netperf-trace x made",
        ] {
            assert_eq!(owner(name), None, "{name}");
        }
    }
}
