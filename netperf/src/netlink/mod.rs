//! What does the kernel say over netlink? The only user of netlink sockets.

mod address;
mod link;

pub use address::addresses;
pub use link::{LinkError, Links};
