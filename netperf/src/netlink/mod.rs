//! What does the kernel say over netlink? The only user of netlink sockets.

mod address;
mod ask;
mod link;
mod own;
mod trial;

pub use address::addresses;
pub use link::{LinkError, Links};
pub use own::{LOOPBACK, in_own_namespace};
pub use trial::{listing_trials, shaping_trials};
