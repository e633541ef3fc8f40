//! The programs that `cargo xtask lint` calls: found in the version that this project is checked with, or
//! installed into the target directory.
//!
//! Each comes in the quickest way: typos as a ready-made program from the Python index (five seconds, against 80
//! from its sources), cargo-deny from its sources without optimisation (50 seconds on two cores).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::setup::programs::{self, Program};
use crate::step::Steps;
use crate::workspace::{Workspace, host_cargo};

/// Folder of the target directory for these programs.
const FOLDER: &str = "tools";

const TYPOS: &str = "1.52.0";
const CARGO_DENY: &str = "0.20.2";

const PYTHON: Program = Program {
    name: "python3",
    package: "python3",
};

/// Python's own installer, which Debian packs apart.
const VENV: &str = "python3-venv";

/// The spelling checker.
pub(super) fn typos(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join(FOLDER).join("python");
    find_or_install(&folder.join("bin/typos"), TYPOS, || {
        programs::ensure(workspace, &[PYTHON], "check the spelling")?;
        if !has_venv() {
            programs::install(workspace, &[VENV.to_owned()], "check the spelling")?;
        }
        let steps = steps(workspace, "typos")?;
        let mut venv = Command::new(PYTHON.name);
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        steps.run("making a folder for Python programs", &mut venv)?;
        let mut pip = Command::new(folder.join("bin/pip"));
        pip.args(["install", "--only-binary", ":all:"])
            .arg(format!("typos=={TYPOS}"));
        steps.run_twice(&format!("installing typos {TYPOS}"), &mut pip)
    })
}

/// The checker of licences, sources and versions of dependencies.
pub(super) fn cargo_deny(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join(FOLDER);
    find_or_install(&folder.join("bin/cargo-deny"), CARGO_DENY, || {
        let scratch = folder.join("build");
        let mut install = Command::new(host_cargo());
        install
            .args(["install", "cargo-deny", "--version", CARGO_DENY])
            .args(["--locked", "--debug", "--force", "--root"])
            .arg(&folder)
            .arg("--target-dir")
            .arg(&scratch)
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        let title = format!("building cargo-deny {CARGO_DENY}");
        steps(workspace, "cargo-deny")?.run_twice(&title, &mut install)?;
        Ok(fs::remove_dir_all(&scratch)?)
    })
}

/// The program in the `PATH` or, before it, `own`, whichever has the right version.
fn find_or_install(
    own: &Path,
    version: &str,
    install: impl FnOnce() -> Result<()>,
) -> Result<PathBuf> {
    let name = own.file_name().context("a program has a name")?;
    let installed = programs::find(&name.to_string_lossy());
    let mut found = [Some(own.to_owned()), installed].into_iter().flatten();
    if let Some(program) = found.find(|program| has_version(program, version)) {
        return Ok(program);
    }
    install()?;
    ensure!(
        has_version(own, version),
        "`{}` was installed but is not version {version}",
        own.display()
    );
    Ok(own.to_owned())
}

fn has_version(program: &Path, version: &str) -> bool {
    let answer = Command::new(program).arg("--version").output();
    answer.is_ok_and(|answer| is_version(&String::from_utf8_lossy(&answer.stdout), version))
}

/// Whether `NAME VERSION` has that version.
fn is_version(text: &str, version: &str) -> bool {
    text.split_whitespace().nth(1) == Some(version)
}

fn has_venv() -> bool {
    let mut import = Command::new(PYTHON.name);
    import.args(["-c", "import ensurepip, venv"]);
    import.output().is_ok_and(|answer| answer.status.success())
}

fn steps(workspace: &Workspace, name: &str) -> Result<Steps> {
    Steps::new(workspace.target.join(FOLDER).join(format!("{name}.log")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_not_taken() {
        assert!(is_version("typos-cli 1.52.0\n", "1.52.0"));
        assert!(!is_version("typos-cli 1.5.2\n", "1.52.0"));
        assert!(!is_version("", "1.52.0"));
    }

    #[test]
    fn what_is_there_is_not_installed() {
        let cargo = host_cargo();
        let answer = Command::new(&cargo).arg("--version").output().unwrap();
        let answer = String::from_utf8(answer.stdout).unwrap();
        let version = answer.split(' ').nth(1).unwrap();
        let found = find_or_install(&cargo, version, || anyhow::bail!("installed"));
        assert_eq!(found.unwrap(), cargo);
        let other = find_or_install(&cargo, "0.0.1", || anyhow::bail!("installed"));
        assert_eq!(other.unwrap_err().to_string(), "installed");
    }
}
