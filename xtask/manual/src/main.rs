//! Writes a man page for each command, and completions for bash, zsh and fish, into a folder.
//!
//! They are made from the description of the command line that also makes `--help`, so they need the program's
//! library; a package of its own keeps the generators out of the program.

mod page;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _, Parser};
use clap_complete::Shell;
use netperf::cmd::cli::Cli;

/// Shells with completions.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// Write man pages and completions
#[derive(Parser)]
struct Options {
    /// Where to put the folders `man` and `completions`
    folder: PathBuf,
    /// Date of the text in the man pages
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: String,
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to the person at the terminal"
)]
fn main() -> ExitCode {
    let Options { folder, date } = Options::parse();
    match write(&folder, &date) {
        Ok(pages) => {
            println!("{} ({pages} man pages)", folder.join("man/man1").display());
            println!("{}", folder.join("completions").display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Writes everything and returns the number of man pages.
fn write(folder: &Path, date: &str) -> Result<usize> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let pages = fresh_folder(&folder.join("man/man1"))?;
    let count = write_pages(&program, &pages, date)?;
    let completions = fresh_folder(&folder.join("completions"))?;
    for shell in SHELLS {
        let name = program.get_name().to_owned();
        clap_complete::generate_to(shell, &mut Cli::command(), name, &completions)?;
    }
    Ok(count)
}

/// Writes the page of a command, and those of the commands below it.
fn write_pages(command: &Command, folder: &Path, date: &str) -> Result<usize> {
    let file = folder.join(page::file_name(command));
    let text = page::render(command, date)?;
    fs::write(&file, text).with_context(|| format!("can't write `{}`", file.display()))?;
    let mut count = 1;
    for child in page::children(command) {
        count += write_pages(child, folder, date)?;
    }
    Ok(count)
}

/// An empty folder: pages of commands that are gone must not stay.
fn fresh_folder(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder).with_context(|| format!("can't make `{}`", folder.display()))?;
    Ok(folder.to_owned())
}
