//! What does the kernel say over netlink? The only user of netlink sockets.

mod address;
mod ask;
mod dump;
mod enter;
mod inet_diag;
mod link;
mod own;
mod sock_diag;
mod sockets;
mod tcp_info;
mod trial;
mod unix_diag;

pub use address::addresses;
pub use dump::DumpError;
pub use enter::inside;
pub use inet_diag::Detail;
pub use link::{LinkError, Links};
pub use own::{LOOPBACK, in_own_namespace};
pub use sockets::{Listed, Sockets};
pub use trial::{listing_trials, shaping_trials};
