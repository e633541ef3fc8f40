//! What does the kernel say over netlink? The only user of netlink sockets.

mod address;
mod ask;
mod attributes;
mod dump;
mod enter;
mod filter;
mod inet_diag;
mod interfaces;
mod link;
mod nic;
mod own;
mod pair;
mod sock_diag;
mod sockets;
mod tcp_info;
mod token_bucket;
mod trial;
mod unix_diag;

pub use address::addresses;
pub use dump::DumpError;
pub use enter::inside;
pub use filter::{Filter, Side, add_clsact, add_filter, filters_at, remove_clsact, remove_filter};
pub use inet_diag::Detail;
pub use interfaces::{Interface, LinkHeader, interfaces};
pub use link::{LinkError, Links};
pub use nic::{Nics, with_feature};
pub use own::in_own_namespace;
pub use pair::{add_pair, bring_up, index_of, remove_pair};
pub use sockets::{Listed, Sockets};
pub use token_bucket::{Backlog, Discipline, TokenBucket, backlog_at};
pub use trial::{bucket_trial, filter_trials, listing_trials, pair_trial, shaping_trials};
