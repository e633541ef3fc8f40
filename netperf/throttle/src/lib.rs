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

/// A process to limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Pid in the tracer's pid namespace.
    pub pid: u32,
    /// Start time, which tells processes with a reused pid apart.
    pub start: MonoNs,
}

/// The plan of a limit: what to limit, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Number of the limit, 1 to 16, unique among those in force on this machine.
    pub id: u8,
    /// The processes, all in one network namespace.
    pub targets: Vec<Target>,
    /// Whether their child processes are limited too, and the children of those.
    pub children: bool,
    /// Directory of a cgroup (v2) whose every process is limited, including later ones.
    pub cgroup: Option<PathBuf>,
    /// Whether [`Limit::has_new_names`] will be called.
    pub names: bool,
    /// The rates of both directions.
    pub rates: Rates,
    /// Whether loopback is limited, too.
    pub loopback: bool,
    /// Interfaces that are not limited.
    pub except: Vec<String>,
    /// How to intercept packets; `None` is the first that this kernel supports.
    pub way: Option<Way>,
}

/// An interface of the network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Name of the interface.
    pub name: String,
    /// Why it is not limited; `None` if it is.
    pub left_out: Option<String>,
}

/// How a limit would be set up. Nothing is changed to find out.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Every interface there.
    pub interfaces: Vec<Interface>,
    /// How packets would be delayed.
    pub mechanism: &'static str,
}

/// Why a limit can't be set up or changed.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// The rights of this process do not suffice (exit status 3).
    #[error("{0}")]
    Rights(String),
    /// This kernel, or this interface, lacks something (exit status 4).
    #[error("{0}")]
    Unsupported(String),
    /// The options can't be met (exit status 2).
    #[error("{0}")]
    Invalid(String),
    /// Anything else (exit status 1).
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl LimitError {
    /// An error of the kernel while something is loaded, made or attached: it lacks a feature, or does
    /// not allow it.
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
    /// Some processes are running.
    Yes,
    /// All processes have ended.
    AllEnded,
    /// The network namespace is gone, or the interfaces of the limit were removed.
    Gone,
}

impl Alive {
    /// What an error of the kernel means: an interface of the limit has been removed, or this is another problem.
    fn after(error: std::io::Error) -> Result<Self, LimitError> {
        match error.raw_os_error() {
            Some(libc::ENODEV | libc::ENOENT) => Ok(Self::Gone),
            _ => Err(LimitError::Failed(error.into())),
        }
    }
}
