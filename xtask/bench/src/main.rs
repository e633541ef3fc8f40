//! `cargo xtask bench`: what do tracing and limits cost, and are the figures right?
//!
//! Prints the figures of one machine in one hour beside their targets. A missed target is printed, and is no
//! failure.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to the person at the terminal"
)]

mod accuracy;
mod comparison;
mod cpu_times;
mod document;
mod hook_cost;
mod hooks;
mod kernels;
mod limit;
mod load;
mod machine;
mod memory;
mod netns;
mod open_sockets;
mod overhead;
mod process;
mod section;
mod socket_list;
mod sockets;
mod spread;
mod startup;
mod states;
mod table;
mod tool;
mod tools;
mod tracer;
mod variant;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum};
use xtask::build::{self, Profile};
use xtask::root;
use xtask::workspace::Workspace;

use self::section::Section;

/// Measure what tracing and limits cost, as root
///
/// docs/benchmarks.md has the figures of a quiet machine. A whole run takes about twenty minutes.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Options {
    /// Sections to measure; all if none is named
    #[arg(value_name = "SECTION")]
    names: Vec<Name>,
    /// Fewer repeats: shows that it works, and little more
    #[arg(long)]
    quick: bool,
    /// Measure an older build beside this one, in `rr`, `bulk`, `churn` and `start`
    #[arg(long, value_name = "PROGRAM", conflicts_with = "write")]
    against: Option<PathBuf>,
    /// Write the figures into docs/benchmarks.md
    #[arg(long, conflicts_with = "names")]
    write: bool,
}

/// A section of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Requests and responses on one connection
    Rr,
    /// Bulk transfer
    Bulk,
    /// Connections that are opened and closed
    Churn,
    /// Following the states of connections
    States,
    /// Many open sockets
    Sockets,
    /// Listing many open sockets, compared with ss
    List,
    /// Time to start
    Start,
    /// Time of each hook
    Hooks,
    /// Each hook set on each kernel, in virtual machines
    Kernels,
    /// A process with a limit
    Limit,
    /// A limit on a process with hundreds of connections
    LimitMany,
    /// What a limit costs other processes, and how soon a change takes effect
    LimitSideEffects,
    /// Other tools that limit a process
    LimitTools,
    /// nethogs and iftop beside the same loads
    Tools,
}

/// What every section needs.
#[derive(Debug)]
struct Bench {
    workspace: Workspace,
    effort: Effort,
    programs: Programs,
}

/// Where the programs are.
#[derive(Debug)]
struct Programs {
    tracer: PathBuf,
    /// Another build of the tracer, to compare with.
    older: Option<PathBuf>,
    load: PathBuf,
    mover: PathBuf,
    hooks: PathBuf,
    /// Object of the empty programs.
    empty: PathBuf,
}

/// How often and how long.
#[derive(Clone, Copy, Debug)]
struct Effort {
    repeats: usize,
    seconds: f64,
}

impl Effort {
    const FULL: Self = Self {
        repeats: 25,
        seconds: 1.0,
    };
    const QUICK: Self = Self {
        repeats: 2,
        seconds: 1.0,
    };

    /// Repeats of what takes long and varies little.
    fn few(self) -> usize {
        self.repeats.div_ceil(5)
    }
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Builds everything, measures and prints.
fn run(options: &Options) -> Result<()> {
    let workspace = &Workspace::find()?;
    ensure!(
        root::is_root(),
        "network namespaces and eBPF need root: run `sudo env PATH=\"$PATH\" cargo xtask bench`"
    );
    let load = machine::load_average();
    let bench = Bench {
        workspace: workspace.clone(),
        effort: if options.quick {
            Effort::QUICK
        } else {
            Effort::FULL
        },
        programs: Programs::build(workspace, options.against.as_deref())?,
    };
    netns::create()?;
    let facts = machine::facts(workspace, load);
    let mut report = format!("`{}`\n\n{facts}", options.command());
    println!("{report}");
    for name in options.names() {
        let section = name.measure(&bench)?.to_string();
        println!("{section}");
        report.push_str(&section);
    }
    if options.write {
        document::write(workspace, report.trim_end())?;
    }
    Ok(())
}

impl Options {
    fn names(&self) -> Vec<Name> {
        if !self.names.is_empty() {
            return self.names.clone();
        }
        let all = Name::value_variants().iter().copied();
        all.filter(|name| !name.is_part()).collect()
    }

    /// The command line with these options.
    fn command(&self) -> String {
        let mut words = vec!["cargo xtask bench".to_owned()];
        let names = self.names.iter().filter_map(ValueEnum::to_possible_value);
        words.extend(names.map(|name| name.get_name().to_owned()));
        words.extend(self.quick.then(|| "--quick".to_owned()));
        let against = self.against.as_deref();
        words.extend(against.map(|program| format!("--against {}", program.display())));
        words.extend(self.write.then(|| "--write".to_owned()));
        words.join(" ")
    }
}

impl Name {
    /// Whether another section contains it.
    fn is_part(self) -> bool {
        matches!(self, Self::LimitSideEffects | Self::LimitTools)
    }

    fn measure(self, bench: &Bench) -> Result<Section> {
        match self {
            Self::Rr => overhead::ROUND_TRIPS.measure(bench),
            Self::Bulk => overhead::BULK.measure(bench),
            Self::Churn => overhead::CHURN.measure(bench),
            Self::States => states::measure(bench),
            Self::Sockets => sockets::measure(bench),
            Self::List => socket_list::measure(bench),
            Self::Start => startup::measure(bench),
            Self::Hooks => hook_cost::measure(bench),
            Self::Kernels => kernels::measure(bench),
            Self::Limit => limit::measure(bench),
            Self::LimitMany => limit::measure_many(bench),
            Self::LimitSideEffects => limit::measure_side_effects(bench),
            Self::LimitTools => Ok(limit::measure_tools(bench)),
            Self::Tools => tools::measure(bench),
        }
    }
}

impl Programs {
    fn older(&self) -> Result<&Path> {
        self.older.as_deref().context("no older build is named")
    }

    fn build(workspace: &Workspace, older: Option<&Path>) -> Result<Self> {
        let older = older.map(Path::canonicalize).transpose();
        let older = older.context("the older build can't be found")?;
        let tracer = build::build(workspace, Profile::Release)?;
        let mut cargo = workspace.cargo("build");
        cargo.args(["--release", "--package", "netperf-tests"]);
        cargo.args(["--bin", "load", "--bin", "mover", "--bin", "hooks"]);
        ensure!(cargo.status()?.success(), "the loads do not compile");
        let programs = workspace.target.join("release");
        Ok(Self {
            tracer,
            older,
            load: programs.join("load"),
            mover: programs.join("mover"),
            hooks: programs.join("hooks"),
            empty: build::build_empty(workspace)?,
        })
    }
}

/// Prints to stderr what is being measured.
fn progress(what: &str) {
    eprintln!("measuring: {what}");
}

#[expect(clippy::disallowed_methods, reason = "the clock rule is for models")]
fn now() -> Instant {
    Instant::now()
}
