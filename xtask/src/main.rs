//! `cargo xtask`: everything that is done to this workspace, by one name each.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to the person at the terminal"
)]

mod bench;
mod build;
mod count;
mod dist;
mod layers;
mod lint;
mod root;
mod setup;
mod step;
mod test;
mod toolchain;
mod vm;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::build::Profile;
use crate::setup::Consent;
use crate::workspace::Workspace;

/// Sets up, builds, runs, tests and checks netperf-trace.
///
/// Every task sets up first what it needs, so there is nothing to do before.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find or install what compiles the kernel side (at once when it is there)
    Setup {
        /// Install packages without asking
        #[arg(long, short)]
        yes: bool,
    },
    /// Build the program
    Build {
        /// Optimised, as users get it
        #[arg(long)]
        release: bool,
    },
    /// Build the program and run it as root
    #[command(after_help = "Example: cargo xtask run -- top -d 2")]
    Run {
        /// Accepted out of habit: the program is always optimised
        #[arg(long)]
        release: bool,
        /// What the program is to do
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run all tests, as root where they need it, and count them
    ///
    /// Ends with one path of each kind on every kernel of `vm-test`.
    Test,
    /// Boot each kernel in a virtual machine and test every hook set there
    VmTest(vm::Options),
    /// Check format, lints, documentation, layers, dependencies and spelling
    Lint,
    /// Check and test, on all kernels: everything that must pass before a change is done
    Ci,
    /// Measure what tracing costs, as root
    ///
    /// The figures of a quiet machine are in docs/benchmarks.md; all of them take some twenty minutes.
    Bench(bench::Options),
    /// Build one static file that runs on any Linux of this architecture
    Dist,
}

fn main() -> ExitCode {
    match run(&Cli::parse().task) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match task {
        Task::Setup { yes } => set_up(&workspace, *yes)?,
        Task::Build { release } => {
            let profile = if *release {
                Profile::Release
            } else {
                Profile::Dev
            };
            println!("{}", build::build(&workspace, profile)?.display());
        }
        Task::Run {
            release: _,
            arguments,
        } => build::run(&workspace, arguments)?,
        Task::Test => return test::run(&workspace),
        Task::VmTest(options) => return vm::run(&workspace, options),
        Task::Lint => return lint::run(&workspace),
        Task::Ci => {
            let lint = lint::run(&workspace)?;
            let test = test::run(&workspace)?;
            let kernels = vm::all(&workspace)?;
            let outcomes = [lint, test, kernels];
            let failed = outcomes.iter().find(|exit| **exit != ExitCode::SUCCESS);
            return Ok(failed.copied().unwrap_or(ExitCode::SUCCESS));
        }
        Task::Bench(options) => bench::run(&workspace, options)?,
        Task::Dist => dist::run(&workspace)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn set_up(workspace: &Workspace, yes: bool) -> Result<()> {
    let consent = if yes { Consent::Given } else { Consent::Ask };
    let toolchain = setup::run(workspace, consent)?;
    println!("The kernel side can be compiled, with");
    for tool in toolchain.tools() {
        println!("  {}", tool.path.display());
    }
    Ok(())
}
