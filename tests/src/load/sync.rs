//! How do workers wait for each other, and for the tracer? Made before the workers, shared by fork.

use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result};
use nix::sys::eventfd::{EfdFlags, EventFd};

/// Where workers wait until the tracer runs. Made before the workers, shared by fork.
#[derive(Debug)]
pub struct Barrier {
    ready: EventFd,
    go: EventFd,
}

impl Barrier {
    /// A closed barrier.
    ///
    /// # Errors
    /// When the kernel gives no eventfd.
    pub fn new() -> Result<Self> {
        Ok(Self {
            ready: semaphore()?,
            go: semaphore()?,
        })
    }

    /// Takes note of one worker that is ready.
    pub(crate) fn take(&self) -> Result<()> {
        self.ready.read()?;
        Ok(())
    }

    /// Lets `workers` processes go on.
    pub(crate) fn open(&self, workers: u32) -> Result<()> {
        self.go.write(u64::from(workers))?;
        Ok(())
    }

    /// Says that this worker is ready and does not wait: it is about to block in a call.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn arrive(&self) -> Result<()> {
        self.ready.write(1)?;
        Ok(())
    }

    /// Says that this worker is ready and waits until the tracer runs.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn wait(&self) -> Result<()> {
        self.ready.write(1)?;
        self.go.read()?;
        Ok(())
    }
}

impl AsFd for Barrier {
    /// Readable when a worker is ready.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}

/// Something that one worker tells others. Made before the workers, shared by fork.
#[derive(Debug)]
pub struct Semaphore(EventFd);

impl Semaphore {
    /// A cue that nobody gave yet.
    ///
    /// # Errors
    /// When the kernel gives no eventfd.
    pub fn new() -> Result<Self> {
        Ok(Self(semaphore()?))
    }

    /// Lets `workers` calls of [`Self::wait`] pass.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn post(&self, workers: u64) -> Result<()> {
        self.0.write(workers)?;
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

impl AsFd for Semaphore {
    /// Readable when the cue is given.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn semaphore() -> Result<EventFd> {
    let flags = EfdFlags::EFD_SEMAPHORE | EfdFlags::EFD_CLOEXEC;
    EventFd::from_value_and_flags(0, flags).context("the kernel gave no eventfd")
}
