//! `cargo xtask test`: compiles all test programs, then runs one after the other.
//!
//! Unit tests come first, as they are the quickest. Integration tests run as root: they make network namespaces
//! and load eBPF programs. Tests on other kernels come last.

mod libtest;
mod needed;
mod runner;

use std::path::Path;
use std::process::{ExitCode, Stdio};

use anyhow::{Result, ensure};
use serde_json::Value;

use self::runner::Runner;
use crate::build::PROGRAM;
use crate::count::Count;
use crate::root;
use crate::setup::programs;
use crate::static_build::Programs;
use crate::vm;
use crate::workspace::Workspace;

/// Packages with tests. The kernel side can't run on this machine outside the kernel.
const SELECTION: [&str; 3] = ["--workspace", "--exclude", "netperf-ebpf"];

/// Runs every test here and a short one on each kernel, and prints the sum as the last line.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let mut total = on_this_kernel(workspace)?;
    total.add(vm::smoke(workspace));
    Ok(total.close())
}

/// Runs every test on the kernel of this machine.
pub(crate) fn on_this_kernel(workspace: &Workspace) -> Result<Count> {
    root::obtain("cargo xtask test")?;
    programs::ensure(workspace, &needed::PROGRAMS, "run the tests")?;
    let program = Programs::build(workspace)?.path(PROGRAM);
    let mut total = Count::default();
    for runner in compile(workspace, &program)? {
        total.add(runner.run()?);
    }
    Ok(total)
}

/// Compiles the test programs of every package, and puts them in the order in which they run.
fn compile(workspace: &Workspace, program: &Path) -> Result<Vec<Runner>> {
    let mut cargo = workspace.cargo("test");
    cargo.args(SELECTION).arg("--no-run");
    cargo.arg("--message-format=json-render-diagnostics");
    let output = cargo.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the tests do not compile");
    let messages = String::from_utf8(output.stdout)?;
    let messages = messages.lines().map(serde_json::from_str::<Value>);
    let runners = messages.filter_map(|message| Runner::from_message(&message.ok()?, program));
    let mut runners: Vec<Runner> = runners.collect();
    runners.push(documentation(workspace));
    runners.sort_by(|a, b| a.order().cmp(&b.order()));
    Ok(runners)
}

/// The examples in the documentation, which only cargo can run.
fn documentation(workspace: &Workspace) -> Runner {
    let mut cargo = workspace.cargo("test");
    cargo.arg("--doc").args(SELECTION);
    Runner::new("examples in the documentation", cargo)
}
