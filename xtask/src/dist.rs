//! `cargo xtask dist`: a program that runs on any Linux of this architecture, with its man pages and
//! completions.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};

use crate::build::{self, PROGRAM};
use crate::setup::programs::{self, Program};
use crate::static_build::{self, Programs};
use crate::workspace::Workspace;

const READELF: Program = Program {
    name: "readelf",
    package: "binutils",
};

/// Builds all of it and prints where it is.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    programs::ensure(workspace, &[READELF], "check that the program is static")?;
    let folder = workspace.target.join(static_build::FOLDER);
    let program = folder.join(PROGRAM);
    fs::copy(Programs::build(workspace)?.path(PROGRAM), &program)?;
    check_is_static(&program)?;
    let size_kib = fs::metadata(&program)?.len().div_ceil(1024);
    println!("{} ({size_kib} KiB, static)", program.display());
    let folder = folder.display().to_string();
    build::run_member(
        workspace,
        "netperf-manual",
        &["--date", &date(workspace)?, &folder],
    )
}

/// Date of the last commit, or of today outside a repository.
fn date(workspace: &Workspace) -> Result<String> {
    let commit = Command::new("git")
        .args(["log", "-1", "--format=%cs"])
        .current_dir(&workspace.root)
        .output();
    let output = match commit {
        Ok(output) if output.status.success() => output,
        _ => Command::new("date").arg("+%F").output()?,
    };
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A static program names no interpreter and needs no library.
fn check_is_static(program: &Path) -> Result<()> {
    let answer = Command::new(READELF.name)
        .args(["--wide", "--program-headers", "--dynamic"])
        .arg(program)
        .env("LC_ALL", "C")
        .output()?;
    let answer = String::from_utf8_lossy(&answer.stdout);
    ensure!(
        answer.contains("LOAD"),
        "`readelf` can't read `{}`",
        program.display()
    );
    let dynamic = answer
        .lines()
        .find(|line| line.contains("INTERP") || line.contains("(NEEDED)"));
    ensure!(
        dynamic.is_none(),
        "the program is not static: {}",
        dynamic.unwrap_or_default().trim()
    );
    Ok(())
}
