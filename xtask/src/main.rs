//! `cargo xtask`: everything that is done to this workspace, by one name each.
#![expect(
    clippy::print_stderr,
    reason = "this program talks to the person at the terminal"
)]

mod build;
mod setup;
mod step;
mod toolchain;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::build::Profile;
use crate::workspace::Workspace;

/// Sets up, builds, runs, tests and checks netperf-trace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find or install what compiles the kernel side; takes no time when it is there
    Setup {
        /// Install packages without asking
        #[arg(long, short)]
        yes: bool,
    },
    /// Build the program, after set-up
    Build {
        /// As users get it: optimised, which takes longer
        #[arg(long)]
        release: bool,
    },
    /// Build the program and run it as root
    #[command(after_help = "Example: cargo xtask run -- top -d 2")]
    Run {
        /// Accepted for habit's sake: the program is always optimised
        #[arg(long)]
        release: bool,
        /// What the program is to do
        #[arg(last = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(&Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Setup { yes } => {
            let toolchain = setup::run(&workspace, *yes)?;
            eprintln!(
                "ready: {}, {}",
                toolchain.rustc.path.display(),
                toolchain.linker.path.display()
            );
            Ok(())
        }
        Task::Build { release } => {
            let profile = if *release {
                Profile::Release
            } else {
                Profile::Dev
            };
            let program = build::build(&workspace, profile)?;
            eprintln!("built: {}", program.display());
            Ok(())
        }
        Task::Run {
            release: _,
            arguments,
        } => build::run(&workspace, arguments),
    }
}
