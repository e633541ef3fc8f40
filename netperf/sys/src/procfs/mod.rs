//! What do `/proc`, `/sys` and `/etc/passwd` say? The only reader of these trees.
//!
//! Everything here is a snapshot of something that may vanish while it is read: what can't be read
//! is `None`, never an error. Reads are bounded, since other users decide what stands in the files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

mod cgroup;
mod cgroup_path;
mod family;
mod host;
mod kernel;
mod name_service;
mod netns;
mod network;
mod passwd;
mod pid;
mod pressure;
mod raw_table;
mod socket_files;
mod softnet;
mod sysctl_files;
mod tracefs;

pub use cgroup::Cgroups;
pub use cgroup_path::unit_and_container;
pub use family::{OWN_EXECUTABLE, Relative};
pub use host::{BootOffset, boot_time};
pub use netns::Namespaces;
pub use passwd::{UserLookUp, Users};
pub use pid::{CMDLINE_MAX_BYTES, ProcessFacts, StartTicks, same_process};
pub use socket_files::{SocketFile, SocketFiles};
pub use tracefs::{RecordField, with_tracefs};

/// The trees below one root directory.
#[derive(Clone, Debug)]
pub struct Procfs {
    root: PathBuf,
}

impl Procfs {
    /// Reads below `root`: `/` for this machine, a made-up tree in tests.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// User names, read anew whenever `/etc/passwd` changes.
    pub fn users(&self) -> Users {
        Users::new(self.root.join("etc/passwd"))
    }

    /// The cgroup v2 hierarchy, or an empty one where none is mounted.
    pub fn cgroups(&self) -> Cgroups {
        Cgroups::find(&self.root)
    }

    fn read(&self, path: &str, max_bytes: u64) -> Option<Vec<u8>> {
        read_bounded(&self.root.join(path), max_bytes)
    }
}

/// What the kernel writes at once into most files.
const PAGE: usize = 4096;

/// The first `max_bytes` of a file, or `None` if it can't be read.
fn read_bounded(path: &Path, max_bytes: u64) -> Option<Vec<u8>> {
    // These files tell no length, and most are shorter than this.
    let mut bytes = Vec::with_capacity(PAGE);
    File::open(path)
        .ok()?
        .take(max_bytes)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(bytes)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
