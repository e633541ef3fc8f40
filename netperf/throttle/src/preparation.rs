//! Looks up kernel symbols and types for a limit, before its processes are known.

use std::thread::{self, JoinHandle};

use netperf_sys::bpf::LimitLoader;
use netperf_sys::procfs::Procfs;

use super::LimitError;

/// The lookup, in a thread.
#[derive(Debug)]
pub struct Preparation(JoinHandle<anyhow::Result<LimitLoader>>);

impl Preparation {
    /// Begins the lookup in the background.
    ///
    /// # Errors
    ///
    /// No thread can be started.
    pub fn begin() -> std::io::Result<Self> {
        let look = || LimitLoader::prepare(&Procfs::new("/"));
        Ok(Self(thread::Builder::new().spawn(look)?))
    }

    /// Waits for the result. An error means that the kernel lacks something.
    pub(super) fn end(self) -> Result<LimitLoader, LimitError> {
        let panicked = |_| anyhow::anyhow!("can't look up what the kernel has");
        let loader = self.0.join().map_err(panicked)?;
        loader.map_err(|error| LimitError::unsupported(&error))
    }
}
