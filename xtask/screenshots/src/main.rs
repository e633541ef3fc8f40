//! `cargo xtask screenshots`: takes pictures and writes them into a folder. Needs root.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use netperf_screenshots::load::Load;
use netperf_screenshots::network;
use netperf_screenshots::scenario::{SCENARIOS, Scenario};
use netperf_screenshots::svg::{self, Theme};

/// Take pictures of the program's screens, as root
#[derive(Parser)]
#[command(name = "cargo xtask screenshots", bin_name = "cargo xtask screenshots")]
struct Options {
    /// Where to put the pictures
    #[arg(long)]
    folder: PathBuf,
    /// Pictures to take; all if none is named
    names: Vec<String>,
}

#[expect(
    clippy::print_stderr,
    reason = "this program talks to the person at the terminal"
)]
fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[expect(
    clippy::print_stdout,
    reason = "this program talks to the person at the terminal"
)]
fn run(options: &Options) -> Result<()> {
    let scenarios = selected(&options.names)?;
    fs::create_dir_all(&options.folder)?;
    network::create()?;
    let load = Load::start()?;
    for scenario in scenarios {
        let taken = scenario.take(&load, scenario.settle);
        let frame = taken.with_context(|| format!("no picture `{}`", scenario.name))?;
        for theme in Theme::ALL {
            let file = options.folder.join(scenario.file(theme));
            fs::write(&file, svg::render(&frame, &scenario.title(), theme))?;
            println!("{}", file.display());
        }
    }
    Ok(())
}

fn selected(names: &[String]) -> Result<Vec<&'static Scenario>> {
    if names.is_empty() {
        return Ok(SCENARIOS.iter().collect());
    }
    let find = |name: &String| {
        let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
        let Some(found) = found else {
            let known: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
            bail!(
                "no picture is called `{name}`; there are {}",
                known.join(", ")
            );
        };
        Ok(found)
    };
    names.iter().map(find).collect()
}
