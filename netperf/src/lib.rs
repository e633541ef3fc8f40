//! Which process moves which bytes over the network, how well, and what to do about it?
//!
//! Arrows go one way: `cmd → render → view`, and to the crates below: `netperf-diagnose` (rules), `netperf-core`
//! (samples and models), `netperf-sys` (readers), `netperf-throttle`, `netperf-probe`. ARCHITECTURE.md has the map.

pub mod cmd;
pub mod exit;
pub mod render;
#[cfg(feature = "schema")]
pub mod schema;
pub mod view;
