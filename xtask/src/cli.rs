//! The command line of `cargo xtask`: one task each.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::build::{self, Profile};
use crate::setup::{self, Consent};
use crate::workspace::Workspace;
use crate::{ci, dist, lint, screenshots, test, vm};

/// Set up, build, run, test and check netperf-trace
///
/// Every task first sets up what it needs: there is nothing to prepare.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

const NO_ARGUMENTS: &[&str] = &[];

#[derive(Subcommand)]
enum Task {
    /// Find or install the compiler of the kernel side (done at once if it is there)
    Setup {
        /// Install packages without asking
        #[arg(long, short)]
        yes: bool,
    },
    /// Build the program
    Build {
        /// Optimise, as in a release
        #[arg(long)]
        release: bool,
    },
    /// Build the program, optimised, and run it as root
    #[command(after_help = "Example: cargo xtask run -- top -d 2")]
    Run {
        /// Accepted for convenience: the program is always optimised
        #[arg(long)]
        release: bool,
        /// Arguments of the program
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run all tests, as root where they need it, and count them
    ///
    /// Ends with a short test of every hook set on each kernel of `vm-test`.
    Test,
    /// Boot each kernel in a virtual machine and run all tests of the hooks there
    VmTest(vm::Options),
    /// Check format, layers, spelling, dependencies, lints and documentation
    Lint,
    /// Lint, test and test on all kernels: what must pass before a change is merged
    Ci,
    /// Measure what tracing and limits cost, as root
    ///
    /// docs/benchmarks.md has the figures of a quiet machine. A whole run takes about twenty minutes.
    #[command(disable_help_flag = true)]
    Bench {
        /// What to measure, and options: see `cargo xtask bench --help`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build a static program for any Linux of this architecture, its man pages and completions
    Dist,
    /// Write docs/schema again: the JSON Schema of each type of line
    Schema,
    /// Take the pictures in docs/images again, as root
    Screenshots {
        /// Pictures to take; all if none is named
        names: Vec<String>,
    },
}

/// Runs the task that the command line names.
pub fn main() -> ExitCode {
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
        Task::Ci => return ci::run(&workspace),
        Task::Bench { arguments } => {
            return build::run_member(&workspace, "netperf-bench", arguments);
        }
        Task::Dist => return dist::run(&workspace),
        Task::Schema => return build::run_member(&workspace, "netperf-schema", NO_ARGUMENTS),
        Task::Screenshots { names } => return screenshots::run(&workspace, names),
    }
    Ok(ExitCode::SUCCESS)
}

fn set_up(workspace: &Workspace, yes: bool) -> Result<()> {
    let consent = if yes { Consent::Given } else { Consent::Ask };
    let toolchain = setup::run(workspace, consent)?;
    println!("The kernel side will be compiled with");
    for tool in toolchain.tools() {
        println!("  {}", tool.path.display());
    }
    Ok(())
}
