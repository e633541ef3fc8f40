//! System calls, clocks and kernel settings.

pub mod calls;
pub mod cgroup;
pub mod deadline;
pub mod ring;
pub(crate) mod stdout;
pub mod sysctl;
pub mod turn;
pub mod wait;
