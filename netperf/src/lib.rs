//! Which process moves which bytes over the network, how well, and what to do about it?
//!
//! Arrows go one way: `cmd → render → view → model → sample`; the readers (`bpf`, `netlink`,
//! `procfs`) deliver a [`sample::Sample`] through [`collect::Feed`]. ARCHITECTURE.md has the map.

pub mod bpf;
pub mod capture;
pub mod checkup;
pub mod clock;
pub mod cmd;
pub mod collect;
pub mod exit;
pub mod limits;
pub mod machine;
pub mod model;
pub mod netlink;
pub mod probe;
pub mod procfs;
pub mod render;
pub mod resolve;
pub mod rights;
pub mod sample;
pub mod shape;
pub mod text;
pub mod units;
pub mod view;

#[cfg(any(test, fuzzing))]
mod damage;
#[cfg(test)]
mod made;
