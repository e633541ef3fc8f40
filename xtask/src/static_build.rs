//! Builds static programs, once for everything: `cargo xtask dist` hands out the very program that the
//! integration tests and the virtual machines have tested.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::build::PROGRAM;
use crate::setup::{self, Consent};
use crate::workspace::Workspace;

/// Folder of the target directory for static programs.
pub(crate) const FOLDER: &str = "dist";

/// Programs of one build.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// The folder that holds all of them.
    folder: PathBuf,
}

impl Programs {
    /// Builds the program, and what tests it in virtual machines.
    pub(crate) fn build(workspace: &Workspace) -> Result<Self> {
        let bins = ["--bin", PROGRAM, "--bin", "mover", "--bin", "guest"];
        compile(workspace, &[&["--package", "netperf"], &bins[..]].concat())
    }

    /// Builds what attaches empty programs in virtual machines.
    pub(crate) fn build_hooks(workspace: &Workspace) -> Result<PathBuf> {
        Ok(compile(workspace, &["--bin", "hooks"])?.path("hooks"))
    }

    /// Path of a program.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn compile(workspace: &Workspace, selection: &[&str]) -> Result<Programs> {
    setup::run(workspace, Consent::Ask)?;
    let host = host()?;
    let folder = workspace.target.join(FOLDER);
    let mut cargo = workspace.cargo("build");
    cargo
        .args(["--release", "--package", "netperf-tests"])
        .args(selection)
        // With an explicit target, the flags below do not apply to build scripts and macros.
        .args(["--target", &host, "--target-dir"])
        .arg(&folder)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "-C target-feature=+crt-static");
    ensure!(
        cargo.status()?.success(),
        "the static programs do not compile"
    );
    Ok(Programs {
        folder: folder.join(host).join("release"),
    })
}

/// The target that the compiler compiles for by default.
fn host() -> Result<String> {
    let answer = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("rustc does not start")?;
    let answer = String::from_utf8(answer.stdout)?;
    let host = answer.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}
