//! Errors of the registry of limits, with what the user can do.

use std::io;
use std::path::{Path, PathBuf};

use super::LIMITS_MAX;

/// Why the registry of limits can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// A file or folder there was not made by this program.
    #[error("`{}` {what}: remove it, and see who put it there", .path.display())]
    Foreign {
        /// Path of the file or folder.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// All numbers are taken.
    #[error(
        "{LIMITS_MAX} limits are held on this machine already, and no more can be: \
         `netperf-trace limit list` shows them, `netperf-trace limit clear --id N` ends one"
    )]
    Full,
    /// Only root may read the registry.
    #[error("`{}` is for root only: run it as root, through sudo", .path.display())]
    Forbidden {
        /// Path of the registry.
        path: PathBuf,
        /// Error of the kernel.
        source: io::Error,
    },
    /// The kernel refuses.
    #[error("can't use `{}`", .path.display())]
    Failed {
        /// The file or folder.
        path: PathBuf,
        /// Error of the kernel.
        source: io::Error,
    },
}

pub(super) fn failed(path: &Path, source: io::Error) -> LimitsError {
    let path = path.to_owned();
    LimitsError::Failed { path, source }
}
