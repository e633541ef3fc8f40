//! `cargo xtask lint`: is the code as this house wants it?

use std::env;
use std::iter;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::layers;
use crate::setup::{self, Consent, programs};
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;

const KERNEL_SIDE: &str = "netperf-ebpf";

/// How a check went.
enum Outcome {
    Passed,
    Failed,
    /// Not done, and why.
    Skipped(String),
}

/// Does every check, also after one has failed, and lists the outcomes at the end.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let toolchain = setup::run(workspace, Consent::Ask)?;
    let checks = [
        (
            "format",
            status(workspace.cargo("fmt").args(["--all", "--check"]))?,
        ),
        ("clippy", clippy(workspace)?),
        ("clippy, kernel side", kernel_side(workspace, &toolchain)?),
        ("documentation", documentation(workspace)?),
        ("layers", layers(&workspace.root)?),
        ("dependencies", dependencies(workspace)?),
        ("spelling", spelling(workspace)?),
    ];
    println!();
    let mut exit = ExitCode::SUCCESS;
    for (name, outcome) in checks {
        match outcome {
            Outcome::Passed => println!("{name}: passed"),
            Outcome::Skipped(why) => println!("{name}: skipped, {why}"),
            Outcome::Failed => {
                println!("{name}: FAILED, see above");
                exit = ExitCode::FAILURE;
            }
        }
    }
    Ok(exit)
}

/// Also fails when `Cargo.lock` does not fit the manifests.
fn clippy(workspace: &Workspace) -> Result<Outcome> {
    let mut cargo = workspace.cargo("clippy");
    cargo.args([
        "--locked",
        "--workspace",
        "--exclude",
        KERNEL_SIDE,
        "--all-targets",
    ]);
    status(cargo.args(["--", "-D", "warnings"]))
}

/// Distributions pack clippy apart from the compiler, whose own warnings are then all there is.
fn kernel_side(workspace: &Workspace, toolchain: &Toolchain) -> Result<Outcome> {
    let folder = toolchain
        .cargo
        .path
        .parent()
        .context("cargo is in a folder")?;
    let has_clippy = folder.join("cargo-clippy").exists();
    let subcommand = if has_clippy { "clippy" } else { "rustc" };
    let mut cargo = toolchain.cargo(subcommand, &workspace.target.join("ebpf-lint"));
    cargo.args([
        "--package",
        KERNEL_SIDE,
        "--bin",
        KERNEL_SIDE,
        "--",
        "-D",
        "warnings",
    ]);
    // Cargo looks its subcommands up there, and must not find the clippy of another compiler.
    let path = env::var_os("PATH").unwrap_or_default();
    let path = iter::once(folder.to_owned()).chain(env::split_paths(&path));
    status(
        cargo
            .env("PATH", env::join_paths(path)?)
            .current_dir(&workspace.root),
    )
}

fn documentation(workspace: &Workspace) -> Result<Outcome> {
    let mut cargo = workspace.cargo("doc");
    cargo.args([
        "--workspace",
        "--exclude",
        KERNEL_SIDE,
        "--no-deps",
        "--document-private-items",
    ]);
    status(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

fn layers(root: &Path) -> Result<Outcome> {
    let breaches = layers::check(&root.join("netperf"))?;
    for breach in &breaches {
        println!("{breach}");
    }
    Ok(if breaches.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed
    })
}

/// Without the advisories: they come from the network, and appear without a change of this code.
fn dependencies(workspace: &Workspace) -> Result<Outcome> {
    if programs::find("cargo-deny").is_none() {
        return Ok(Outcome::Skipped(
            "run `cargo install cargo-deny` to have it".to_owned(),
        ));
    }
    status(
        workspace
            .cargo("deny")
            .args(["check", "bans", "licenses", "sources"]),
    )
}

fn spelling(workspace: &Workspace) -> Result<Outcome> {
    let Some(typos) = programs::find("typos") else {
        return Ok(Outcome::Skipped(
            "run `cargo install typos-cli` to have it".to_owned(),
        ));
    };
    status(Command::new(typos).current_dir(&workspace.root))
}

fn status(command: &mut Command) -> Result<Outcome> {
    let name = command.get_program().display().to_string();
    let status = command
        .status()
        .with_context(|| format!("`{name}` does not start"))?;
    Ok(if status.success() {
        Outcome::Passed
    } else {
        Outcome::Failed
    })
}
