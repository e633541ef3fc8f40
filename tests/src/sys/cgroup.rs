//! A cgroup for the processes of a test, under any name.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, poll};

use crate::sys::deadline::Deadline;

/// Longest time in which the processes of a cgroup must end.
const PATIENCE_SECS: u64 = 10;

/// A cgroup of version 2, removed when it is dropped; its processes must have ended.
#[derive(Debug)]
pub struct Cgroup(PathBuf);

impl Cgroup {
    /// A new cgroup below the root; `name` may be any bytes but a slash and a line end.
    ///
    /// # Errors
    /// When no hierarchy of version 2 is mounted, or it is read-only.
    pub fn new(name: &[u8]) -> Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let root = mounts.lines().find_map(|line| {
            let (mount, kind) = line.split_once(" - ")?;
            kind.starts_with("cgroup2 ")
                .then(|| mount.split(' ').nth(4))
                .flatten()
        });
        let root = PathBuf::from(root.context("no cgroup2 is mounted")?);
        let path = root.join(OsStr::from_bytes(name));
        fs::create_dir(&path).with_context(|| format!("no cgroup below {}", root.display()))?;
        Ok(Self(path))
    }

    /// The file to write pids to.
    pub fn procs(&self) -> PathBuf {
        self.0.join("cgroup.procs")
    }
}

impl Drop for Cgroup {
    /// Its processes may have been killed but not reaped yet.
    fn drop(&mut self) {
        let deadline = Deadline::seconds(PATIENCE_SECS);
        while fs::remove_dir(&self.0).is_err() && !deadline.passed() {
            let _ = self.await_change(deadline);
        }
    }
}

impl Cgroup {
    /// Waits for the event that the kernel sends when the last process has left.
    fn await_change(&self, deadline: Deadline) -> Result<()> {
        let events = self.0.join("cgroup.events");
        let mut events = fs::File::open(events)?;
        let mut text = String::new();
        events.read_to_string(&mut text)?;
        if text.contains("populated 1") {
            let mut fds = [PollFd::new(events.as_fd(), PollFlags::POLLPRI)];
            poll(&mut fds, deadline.poll_timeout())?;
        }
        Ok(())
    }
}
