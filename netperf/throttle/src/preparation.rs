//! Looks up what a limit needs of the kernel, before it is known which processes it covers.

use std::thread::{self, JoinHandle};

use netperf_sys::bpf::LimitLoader;
use netperf_sys::procfs::Procfs;

use super::LimitError;

/// What a limit needs to know of the kernel, while it is looked up.
#[derive(Debug)]
pub struct Preparation(JoinHandle<anyhow::Result<LimitLoader>>);

impl Preparation {
    /// Begins it, beside whatever else is to be done.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn begin() -> std::io::Result<Self> {
        let look = || LimitLoader::prepare(&Procfs::new("/"));
        Ok(Self(thread::Builder::new().spawn(look)?))
    }

    /// What is missing then is missing in the kernel.
    pub(super) fn end(self) -> Result<LimitLoader, LimitError> {
        let panicked = |_| anyhow::anyhow!("can't look up what the kernel has");
        let loader = self.0.join().map_err(panicked)?;
        loader.map_err(|error| LimitError::unsupported(&error))
    }
}
