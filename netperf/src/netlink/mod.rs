//! What does the kernel say over netlink? The only user of netlink sockets.

mod link;

pub use link::{LinkError, Links};
