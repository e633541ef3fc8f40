//! Which system calls do the workloads need that neither std nor nix wraps safely?

mod process;
mod socket;

pub use process::*;
pub use socket::*;
