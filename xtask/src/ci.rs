//! `cargo xtask ci`: everything that must pass before a change is merged, the quick checks first.
//!
//! One process, so that set-up and the static build happen once. It goes on after a failure: one run shows all
//! that is wrong.

use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{lint, test, vm};

/// Lints, runs all tests, then those of every kernel, and prints the sum as the last line.
///
/// The short test of each kernel, with which `cargo xtask test` ends, is left out: the long one contains it.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let mut total = lint::check(workspace)?;
    total.add(test::on_this_kernel(workspace)?);
    total.add(vm::full(workspace));
    Ok(total.close())
}
