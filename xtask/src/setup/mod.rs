//! `cargo xtask setup`: finds or installs the compiler and linker of the kernel side.

mod compiler;
mod linker;
mod packages;
pub(crate) mod programs;
mod search;

use std::fs;

use anyhow::{Context as _, Result};

pub(crate) use self::packages::Consent;
use self::search::Search;
use crate::step::Steps;
use crate::toolchain::{FOLDER, Toolchain};
use crate::workspace::Workspace;

/// Makes sure that the kernel side can be compiled, and records the toolchain.
///
/// # Errors
/// Lists what was looked for, and the one command that would help.
pub(crate) fn run(workspace: &Workspace, consent: Consent) -> Result<Toolchain> {
    if let Ok(toolchain) = Toolchain::load(&workspace.target)
        && linker::starts(&toolchain.linker.path)
    {
        return Ok(toolchain);
    }
    let folder = workspace.target.join(FOLDER);
    let steps = Steps::new(folder.join("setup.log"))?;
    let toolchain = Search::new(&folder, &steps, consent).toolchain()?;
    let record = Toolchain::record(&workspace.target);
    fs::write(&record, toolchain.to_string())
        .with_context(|| format!("can't write `{}`", record.display()))?;
    Ok(toolchain)
}
