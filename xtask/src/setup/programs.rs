//! Programs that a task calls: finds them, or installs their packages.

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::packages::{Consent, Packages};
use crate::step::Steps;
use crate::toolchain::FOLDER;
use crate::workspace::Workspace;

/// A program and the Debian package that has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    /// Name of the executable.
    pub(crate) name: &'static str,
    /// Name of the package.
    pub(crate) package: &'static str,
}

/// Installs what is missing of `programs`; `purpose` completes "packages are needed to ...".
pub(crate) fn ensure(workspace: &Workspace, programs: &[Program], purpose: &str) -> Result<()> {
    let missing = programs
        .iter()
        .filter(|program| find(program.name).is_none());
    let packages: Vec<String> = missing.map(|program| program.package.to_owned()).collect();
    if packages.is_empty() {
        return Ok(());
    }
    install(workspace, &packages, purpose)
}

/// Installs Debian packages.
pub(crate) fn install(workspace: &Workspace, packages: &[String], purpose: &str) -> Result<()> {
    let steps = Steps::new(workspace.target.join(FOLDER).join("programs.log"))?;
    Packages::new(&steps, Consent::Ask)
        .install(packages, purpose)
        .with_context(|| format!("can't {purpose} without `{}`", packages.join("`, `")))
}

/// Finds a program in the `PATH`, or in the folders that only root's `PATH` has.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}
