//! Networks for one test: namespaces, cables, chains of routers, links with delay or loss.

pub mod chain;
pub mod mptcp;
pub mod netns;
pub mod relay;
pub mod tun;
pub mod veth;
