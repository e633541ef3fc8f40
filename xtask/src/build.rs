//! `cargo xtask build` and `run`: compiles the program, and starts it.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};

use crate::root;
use crate::setup::{self, Consent};
use crate::toolchain;
use crate::workspace::Workspace;

/// Name of the program.
pub const PROGRAM: &str = "netperf-trace";

/// The eBPF object whose programs do nothing.
const EMPTY: &str = "netperf-ebpf-empty";

/// How the compiler optimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Not at all: compiled quickly, with debug assertions.
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

/// Compiles the program and returns its path.
///
/// # Errors
/// When set-up fails or the program does not compile.
pub fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    setup::run(workspace, Consent::Ask)?;
    let mut cargo = workspace.cargo("build");
    cargo.args(["--package", "netperf", "--bin", PROGRAM]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    ensure!(cargo.status()?.success(), "the program does not compile");
    Ok(workspace.target.join(profile.folder()).join(PROGRAM))
}

/// Compiles the empty eBPF programs, with the compiler of the real ones, and returns the path of the object.
///
/// # Errors
/// When set-up fails or they do not compile.
pub fn build_empty(workspace: &Workspace) -> Result<PathBuf> {
    let artifacts = workspace.target.join("ebpf");
    let mut cargo = setup::run(workspace, Consent::Ask)?.cargo("build", &artifacts);
    cargo
        .args(["--package", "netperf-ebpf", "--bin", EMPTY])
        .current_dir(&workspace.root);
    ensure!(
        cargo.status()?.success(),
        "the empty programs do not compile"
    );
    Ok(artifacts
        .join(toolchain::target())
        .join("release")
        .join(EMPTY))
}

/// Replaces this process by the program, so that signals and the exit status are its own.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let program = build(workspace, Profile::Release)?;
    let mut command = root::command(&program, &[]);
    let error = command.args(arguments).exec();
    Err(error).with_context(|| format!("`{}` does not start", command.get_program().display()))
}

/// Compiles and runs the program of another package of this workspace.
pub(crate) fn run_member(
    workspace: &Workspace,
    package: &str,
    arguments: &[impl AsRef<OsStr>],
) -> Result<ExitCode> {
    setup::run(workspace, Consent::Ask)?;
    let mut cargo = workspace.cargo("run");
    cargo.args(["--package", package, "--"]);
    let status = cargo.args(arguments).status()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
