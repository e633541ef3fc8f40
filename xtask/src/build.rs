//! `cargo xtask build` and `run`: how is the program made and started?

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::root;
use crate::setup::{self, Consent};
use crate::workspace::Workspace;

/// Name of the program.
pub(crate) const PROGRAM: &str = "netperf-trace";

/// How much the compiler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quickly compiled, with checks.
    Dev,
    /// As users get it.
    Release,
}

impl Profile {
    /// Name of the profile's folder in the target directory.
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// Compiles the program and says where it is.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    setup::run(workspace, Consent::Ask)?;
    let mut cargo = workspace.cargo("build");
    cargo.args(["--package", "netperf", "--bin", PROGRAM]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    ensure!(cargo.status()?.success(), "the program does not compile");
    Ok(workspace.target.join(profile.folder()).join(PROGRAM))
}

/// Becomes the program, so that signals and the exit status are its own.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let program = build(workspace, Profile::Release)?;
    let mut command = root::command(&program, &[]);
    let error = command.args(arguments).exec();
    Err(error).with_context(|| format!("`{}` does not start", command.get_program().display()))
}
