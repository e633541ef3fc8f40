//! A barrier and a semaphore for forked processes. Create them before the workers: fork shares them.

use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result};
use nix::sys::eventfd::{EfdFlags, EventFd};

/// Where workers wait until the tracer runs.
#[derive(Debug)]
pub struct Barrier {
    arrived: EventFd,
    released: EventFd,
}

impl Barrier {
    /// A closed barrier.
    ///
    /// # Errors
    /// When the kernel refuses an eventfd.
    pub fn new() -> Result<Self> {
        Ok(Self {
            arrived: eventfd()?,
            released: eventfd()?,
        })
    }

    /// Waits until one more worker has arrived.
    pub(crate) fn await_arrival(&self) -> Result<()> {
        self.arrived.read()?;
        Ok(())
    }

    /// Lets `workers` processes pass.
    pub(crate) fn release(&self, workers: u32) -> Result<()> {
        self.released.write(u64::from(workers))?;
        Ok(())
    }

    /// Counts as arrived without waiting, for a worker that is about to block in a system call.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn arrive(&self) -> Result<()> {
        self.arrived.write(1)?;
        Ok(())
    }

    /// Arrives, and waits until the tracer runs.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn wait(&self) -> Result<()> {
        self.arrive()?;
        self.released.read()?;
        Ok(())
    }
}

impl AsFd for Barrier {
    /// Readable when a worker has arrived.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.arrived.as_fd()
    }
}

/// A counting semaphore that starts at zero.
#[derive(Debug)]
pub struct Semaphore(EventFd);

impl Semaphore {
    /// A semaphore at zero.
    ///
    /// # Errors
    /// When the kernel refuses an eventfd.
    pub fn new() -> Result<Self> {
        Ok(Self(eventfd()?))
    }

    /// Lets `permits` calls of [`Self::wait`] pass.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn post(&self, permits: u64) -> Result<()> {
        self.0.write(permits)?;
        Ok(())
    }

    /// Waits for a permit and takes it.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn wait(&self) -> Result<()> {
        self.0.read()?;
        Ok(())
    }
}

impl AsFd for Semaphore {
    /// Readable when there is a permit.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn eventfd() -> Result<EventFd> {
    let flags = EfdFlags::EFD_SEMAPHORE | EfdFlags::EFD_CLOEXEC;
    EventFd::from_value_and_flags(0, flags).context("the kernel refuses an eventfd")
}
