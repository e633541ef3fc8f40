//! What does the kernel say over netlink? The only user of netlink sockets.

mod address;
mod dump;
mod inet_diag;
mod link;
mod sock_diag;
mod sockets;
mod tcp_info;
mod unix_diag;

pub use address::addresses;
pub use dump::DumpError;
pub use inet_diag::Detail;
pub use link::{LinkError, Links};
pub use sockets::{Listed, Sockets};
