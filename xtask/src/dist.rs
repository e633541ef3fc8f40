//! `cargo xtask dist`: one file that runs on any Linux of this architecture.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::build::PROGRAM;
use crate::setup::programs::{self, Program};
use crate::setup::{self, Consent};
use crate::workspace::Workspace;

/// Folder of the target directory for static programs.
const FOLDER: &str = "dist";

const READELF: Program = Program {
    name: "readelf",
    package: "binutils",
};

/// Builds the static program and says where it is.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    programs::ensure(workspace, &[READELF], "look into the program")?;
    let selection = ["--package", "netperf", "--bin", PROGRAM];
    let folder = compile(workspace, "release", &selection)?;
    let program = workspace.target.join(FOLDER).join(PROGRAM);
    fs::copy(folder.join(PROGRAM), &program)?;
    check_is_static(&program)?;
    let size_kib = fs::metadata(&program)?.len().div_ceil(1024);
    println!("{} ({size_kib} KiB, static)", program.display());
    Ok(())
}

/// Builds a selection of programs without any need for libraries, and says in which folder.
pub(crate) fn compile(workspace: &Workspace, profile: &str, selection: &[&str]) -> Result<PathBuf> {
    setup::run(workspace, Consent::Ask)?;
    let host = host()?;
    let folder = workspace.target.join(FOLDER);
    let mut cargo = workspace.cargo("build");
    cargo
        .args(["--profile", profile])
        .args(selection)
        // With a target given, build scripts and macros keep their own flags.
        .args(["--target", &host, "--target-dir"])
        .arg(&folder)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "-C target-feature=+crt-static");
    ensure!(cargo.status()?.success(), "the program does not compile");
    Ok(folder.join(host).join(profile))
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
    let foreign = answer
        .lines()
        .find(|line| line.contains("INTERP") || line.contains("(NEEDED)"));
    ensure!(
        foreign.is_none(),
        "the program is not static: {}",
        foreign.unwrap_or_default().trim()
    );
    Ok(())
}

/// The target that the compiler compiles for by itself.
fn host() -> Result<String> {
    let answer = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("rustc does not start")?;
    let answer = String::from_utf8(answer.stdout)?;
    let host = answer.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}
