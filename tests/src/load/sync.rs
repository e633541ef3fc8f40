//! How do roles wait for each other, and for the tracer? Made before the roles, shared by fork.

use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result};
use nix::sys::eventfd::{EfdFlags, EventFd};

/// Where roles wait until the tracer runs. Made before the roles, shared by fork.
#[derive(Debug)]
pub struct Curtain {
    ready: EventFd,
    go: EventFd,
}

impl Curtain {
    /// A closed curtain.
    ///
    /// # Errors
    /// When the kernel gives no eventfd.
    pub fn new() -> Result<Self> {
        Ok(Self {
            ready: semaphore()?,
            go: semaphore()?,
        })
    }

    /// Takes note of one role that is ready.
    pub(crate) fn take(&self) -> Result<()> {
        self.ready.read()?;
        Ok(())
    }

    /// Lets `roles` processes go on.
    pub(crate) fn open(&self, roles: u32) -> Result<()> {
        self.go.write(u64::from(roles))?;
        Ok(())
    }

    /// Says that this role is ready and does not wait: it is about to block in a call.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn stand(&self) -> Result<()> {
        self.ready.write(1)?;
        Ok(())
    }

    /// Says that this role is ready and waits until the tracer runs.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn wait(&self) -> Result<()> {
        self.ready.write(1)?;
        self.go.read()?;
        Ok(())
    }
}

impl AsFd for Curtain {
    /// Readable when a role is ready.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}

/// Something that one role tells others. Made before the roles, shared by fork.
#[derive(Debug)]
pub struct Cue(EventFd);

impl Cue {
    /// A cue that nobody gave yet.
    ///
    /// # Errors
    /// When the kernel gives no eventfd.
    pub fn new() -> Result<Self> {
        Ok(Self(semaphore()?))
    }

    /// Lets `roles` calls of [`Self::wait`] pass.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn give(&self, roles: u64) -> Result<()> {
        self.0.write(roles)?;
        Ok(())
    }

    /// Waits until the cue is given.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn wait(&self) -> Result<()> {
        self.0.read()?;
        Ok(())
    }
}

impl AsFd for Cue {
    /// Readable when the cue is given.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn semaphore() -> Result<EventFd> {
    let flags = EfdFlags::EFD_SEMAPHORE | EfdFlags::EFD_CLOEXEC;
    EventFd::from_value_and_flags(0, flags).context("the kernel gave no eventfd")
}
