//! System calls that neither std nor nix wraps safely.

mod filter;
mod pipe;
mod process;
mod socket;

pub use filter::*;
pub use pipe::*;
pub use process::*;
pub use socket::*;
