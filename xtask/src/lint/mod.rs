//! `cargo xtask lint`: format, layers, spelling, dependencies, lints and documentation.
//!
//! Every check runs: what it needs is installed into the target directory, and a check that can't run has
//! failed.

mod tools;

use std::env;
use std::iter;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};

use crate::count::Count;
use crate::layers;
use crate::setup::{self, Consent};
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;

const KERNEL_SIDE: &str = "netperf-ebpf";

/// Its programs, which `cargo rustc` takes one by one.
const KERNEL_PROGRAMS: [&str; 4] = [
    KERNEL_SIDE,
    "netperf-ebpf-limit",
    "netperf-ebpf-names",
    "netperf-ebpf-empty",
];

/// A check, which fails with the reason.
type Check = fn(&Workspace, &Toolchain) -> Result<()>;

/// In the order in which they run: those that take a second come first.
const CHECKS: [(&str, Check); 7] = [
    ("format", format),
    ("layers", layers),
    ("spelling", spelling),
    ("dependencies", dependencies),
    ("clippy", clippy),
    ("clippy, kernel side", kernel_side),
    ("documentation", documentation),
];

/// Runs every check and prints the sum as the last line.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    Ok(check(workspace)?.close())
}

/// Runs every check, also after one has failed.
pub(crate) fn check(workspace: &Workspace) -> Result<Count> {
    let toolchain = setup::run(workspace, Consent::Ask)?;
    let mut count = Count::default();
    for (name, check) in CHECKS {
        match check(workspace, &toolchain) {
            Ok(()) => {
                println!("lint, {name}: passed");
                count.passed += 1;
            }
            Err(why) => {
                println!("lint, {name}: FAILED, {why:#}");
                count.fail(format!("lint, {name}: {why:#}"));
            }
        }
    }
    Ok(count)
}

fn format(workspace: &Workspace, _: &Toolchain) -> Result<()> {
    run_check(workspace.cargo("fmt").args(["--all", "--check"]))
}

fn layers(workspace: &Workspace, _: &Toolchain) -> Result<()> {
    let breaches = layers::check(&workspace.root.join("netperf"))?;
    for breach in &breaches {
        println!("{breach}");
    }
    ensure!(breaches.is_empty(), "see above");
    Ok(())
}

fn spelling(workspace: &Workspace, _: &Toolchain) -> Result<()> {
    let typos = tools::typos(workspace)?;
    run_check(Command::new(typos).current_dir(&workspace.root))
}

/// Without security advisories: their database changes without a change of this code, and is not in the registry.
fn dependencies(workspace: &Workspace, _: &Toolchain) -> Result<()> {
    let mut deny = Command::new(tools::cargo_deny(workspace)?);
    deny.args(["check", "bans", "licenses", "sources"]);
    run_check(deny.current_dir(&workspace.root))
}

/// Also fails when `Cargo.lock` does not fit the manifests.
fn clippy(workspace: &Workspace, _: &Toolchain) -> Result<()> {
    let mut cargo = workspace.cargo("clippy");
    cargo.args(["--locked", "--workspace", "--exclude", KERNEL_SIDE]);
    run_check(cargo.args(["--all-targets", "--", "-D", "warnings"]))
}

/// Some distributions package clippy separately from the compiler, whose own warnings are then all there is.
fn kernel_side(workspace: &Workspace, toolchain: &Toolchain) -> Result<()> {
    let folder = toolchain.cargo.path.parent();
    let folder = folder.context("cargo is in a folder")?;
    if folder.join("cargo-clippy").exists() {
        return check_kernel_side(workspace, toolchain, folder, "clippy", &["--lib", "--bins"]);
    }
    println!(
        "no clippy in `{}`: only the compiler checks the kernel side",
        folder.display()
    );
    check_kernel_side(workspace, toolchain, folder, "rustc", &["--lib"])?;
    for program in KERNEL_PROGRAMS {
        check_kernel_side(workspace, toolchain, folder, "rustc", &["--bin", program])?;
    }
    Ok(())
}

/// Checks the programs that `selection` names with the cargo in `folder`.
fn check_kernel_side(
    workspace: &Workspace,
    toolchain: &Toolchain,
    folder: &Path,
    subcommand: &str,
    selection: &[&str],
) -> Result<()> {
    let mut cargo = toolchain.cargo(subcommand, &workspace.target.join("ebpf-lint"));
    cargo.args(["--package", KERNEL_SIDE]).args(selection);
    cargo.args(["--", "-D", "warnings"]);
    // Cargo looks there for its subcommands, and must not find the clippy of another compiler.
    let path = env::var_os("PATH").unwrap_or_default();
    let path = iter::once(folder.to_owned()).chain(env::split_paths(&path));
    cargo.env("PATH", env::join_paths(path)?);
    run_check(cargo.current_dir(&workspace.root))
}

fn documentation(workspace: &Workspace, _: &Toolchain) -> Result<()> {
    let mut cargo = workspace.cargo("doc");
    cargo.args(["--workspace", "--exclude", KERNEL_SIDE]);
    cargo.args(["--no-deps", "--document-private-items"]);
    run_check(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

fn run_check(command: &mut Command) -> Result<()> {
    let name = Path::new(command.get_program()).display().to_string();
    let status = command
        .status()
        .with_context(|| format!("`{name}` does not start"))?;
    ensure!(status.success(), "see above");
    Ok(())
}
