//! Sets up, builds, tests and checks this workspace: `cargo xtask`.
//!
//! A fresh machine compiles this crate before anything else, so it holds what every task needs. What only one
//! task needs is a package of its own, which that task compiles and runs: benchmarks in `xtask/bench`, pictures
//! of the screens in `xtask/screenshots`, man pages and completions in `xtask/manual`. The last one depends on
//! the program itself, which can't be compiled before set-up has found a compiler for the kernel side.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to the person at the terminal"
)]

pub mod build;
mod ci;
mod cli;
mod count;
mod dist;
mod layers;
mod lint;
pub mod root;
mod screenshots;
mod setup;
mod static_build;
mod step;
mod test;
mod toolchain;
pub mod vm;
pub mod workspace;

pub use crate::cli::main;
