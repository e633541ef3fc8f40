//! The engine of `limit`: holds running processes to a rate, both ways, and leaves nothing behind.

pub mod registry;

mod filters;
mod goodput;
mod hold;
mod hooks;
mod invitation;
mod means;
mod members;
mod network;
mod preparation;
mod survey;

pub use filters::clean_up_after;
pub use hold::Limit;
pub use means::Way;
pub use preparation::Preparation;

use means::Means;
use netperf_core::clock::MonoNs;
use netperf_core::sample::limit::Rates;

use std::path::PathBuf;
use std::time::Duration;

/// How often [`Limit::tend`] must be called.
pub const TEND_EVERY: Duration = Duration::from_millis(50);

/// A process as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Its number in the tracer's pid namespace.
    pub pid: u32,
    /// When it started: a reused number is another process.
    pub start: MonoNs,
}

/// What is to be limited, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// 1 to 16: which of the limits on this machine it is. No other one that is held has it.
    pub id: u8,
    /// The processes. All are in one network namespace.
    pub targets: Vec<Target>,
    /// Whether those count that they start, too, and that those start.
    pub children: bool,
    /// Directory of a cgroup (v2) whose every process is limited, also those that come later.
    pub cgroup: Option<PathBuf>,
    /// Whether [`Limit::has_new_names`] is asked.
    pub names: bool,
    /// The rates.
    pub rates: Rates,
    /// Whether loopback is limited, too.
    pub loopback: bool,
    /// Interfaces that are left alone.
    pub except: Vec<String>,
    /// How programs get at packets; `None` is the first way that this kernel has.
    pub way: Option<Way>,
}

/// An interface of the network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Why it is not limited; `None` if it is.
    pub left_out: Option<String>,
}

/// What a limit would be set up with: nothing is changed to find it out.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Every interface there.
    pub interfaces: Vec<Interface>,
    /// How packets would be held up.
    pub mechanism: &'static str,
}

/// Why there can be no limit.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// The rights of this process do not suffice (exit status 3).
    #[error("{0}")]
    Rights(String),
    /// This kernel, or this interface, lacks something (exit status 4).
    #[error("{0}")]
    Unsupported(String),
    /// What was asked for can't be (exit status 2).
    #[error("{0}")]
    Asked(String),
    /// Anything else (exit status 1).
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl LimitError {
    /// What the kernel can't do, or does not allow, it says when something is loaded, made or attached.
    fn refused(error: anyhow::Error) -> Self {
        let mut causes = error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<std::io::Error>()?.raw_os_error());
        match causes.next() {
            Some(libc::EINVAL | libc::EOPNOTSUPP | libc::ENOSYS | libc::ENOENT | libc::EACCES) => {
                Self::unsupported(&error)
            }
            Some(libc::EPERM) => {
                Self::Rights(format!("the kernel does not allow a limit: {error:#}"))
            }
            _ => Self::Failed(error),
        }
    }

    fn unsupported(error: &anyhow::Error) -> Self {
        Self::Unsupported(format!(
            "this kernel can't hold processes to a rate: {error:#}"
        ))
    }
}

/// Whether there is still something to limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alive {
    /// Yes.
    Yes,
    /// All processes have ended.
    NobodyLeft,
    /// The network namespace is gone, or the interfaces of the limit were removed.
    Gone,
}
