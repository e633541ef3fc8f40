//! Which system calls do the workloads need that neither std nor nix wraps safely?

mod filter;
mod process;
mod socket;

pub use filter::*;
pub use process::*;
pub use socket::*;
