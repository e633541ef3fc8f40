//! `cargo xtask bench`: what does tracing cost, and what does it show?
//!
//! Figures of one machine in one hour, printed beside what is asked of them; a missed target is
//! printed, and fails nothing.

mod companion;
mod contest;
mod cost;
mod crowd;
mod document;
mod hook_cost;
mod hooks;
mod kernels;
mod limit;
mod load;
mod look;
mod machine;
mod memory;
mod program;
mod rival;
mod rivals;
mod section;
mod shown;
mod sockets;
mod spread;
mod stage;
mod start;
mod states;
mod steal;
mod table;
mod tracer;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use self::section::Section;
use crate::build::{self, Profile};
use crate::root;
use crate::toolchain::{self, Toolchain};
use crate::workspace::Workspace;

/// What to measure and how well.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// What to measure; everything if nothing is named
    #[arg(value_name = "NAME")]
    names: Vec<Name>,
    /// Fewer and shorter repeats: shows that it works, and little more
    #[arg(long)]
    quick: bool,
    /// Put the figures into docs/benchmarks.md
    #[arg(long, conflicts_with = "names")]
    write: bool,
}

/// A part of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Requests and responses on one connection
    Rr,
    /// Bulk transfer
    Bulk,
    /// Connections that are opened and closed
    Churn,
    /// Connections whose states are followed
    States,
    /// Many open sockets
    Sockets,
    /// A look at many open sockets, beside ss
    Look,
    /// Time to start
    Start,
    /// Time of each hook
    Hooks,
    /// Each hook set on each kernel
    Kernels,
    /// A process that is held to a rate
    Limit,
    /// The same of one that has hundreds of connections
    LimitCrowd,
    /// Of a limit, what it takes from others, and how soon it obeys
    LimitOthers,
    /// Of a limit, other tools
    LimitRivals,
    /// nethogs and iftop
    Rivals,
}

/// What measuring needs.
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

    /// Repeats of what is long and shows its differences at once.
    fn few(self) -> usize {
        self.repeats.div_ceil(5)
    }
}

/// Builds everything, measures and prints.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
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
        programs: Programs::build(workspace)?,
    };
    stage::set()?;
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

    /// The command line that says the same.
    fn command(&self) -> String {
        let mut words = vec!["cargo xtask bench".to_owned()];
        let names = self.names.iter().filter_map(ValueEnum::to_possible_value);
        words.extend(names.map(|name| name.get_name().to_owned()));
        words.extend(self.quick.then(|| "--quick".to_owned()));
        words.extend(self.write.then(|| "--write".to_owned()));
        words.join(" ")
    }
}

impl Name {
    /// Whether another name measures it, too.
    fn is_part(self) -> bool {
        matches!(self, Self::LimitOthers | Self::LimitRivals)
    }

    fn measure(self, bench: &Bench) -> Result<Section> {
        match self {
            Self::Rr => cost::ROUND_TRIPS.measure(bench),
            Self::Bulk => cost::BULK.measure(bench),
            Self::Churn => cost::CHURN.measure(bench),
            Self::States => states::measure(bench),
            Self::Sockets => sockets::measure(bench),
            Self::Look => look::measure(bench),
            Self::Start => start::measure(bench),
            Self::Hooks => hook_cost::measure(bench),
            Self::Kernels => kernels::measure(bench),
            Self::Limit => limit::measure(bench),
            Self::LimitCrowd => limit::measure_crowd(bench),
            Self::LimitOthers => limit::measure_others(bench),
            Self::LimitRivals => Ok(limit::measure_rivals(bench)),
            Self::Rivals => rivals::measure(bench),
        }
    }
}

impl Programs {
    fn build(workspace: &Workspace) -> Result<Self> {
        let tracer = build::build(workspace, Profile::Release)?;
        let mut cargo = workspace.cargo("build");
        cargo.args(["--release", "--package", "netperf-tests"]);
        cargo.args(["--bin", "load", "--bin", "mover", "--bin", "hooks"]);
        ensure!(cargo.status()?.success(), "the loads do not compile");
        let programs = workspace.target.join("release");
        Ok(Self {
            tracer,
            load: programs.join("load"),
            mover: programs.join("mover"),
            hooks: programs.join("hooks"),
            empty: build_empty(workspace)?,
        })
    }
}

/// Compiles the empty programs with the compiler of the real ones.
fn build_empty(workspace: &Workspace) -> Result<PathBuf> {
    const NAME: &str = "netperf-ebpf-empty";
    let artifacts = workspace.target.join("ebpf");
    let mut cargo = Toolchain::load(&workspace.target)?.cargo("build", &artifacts);
    cargo
        .args(["--package", "netperf-ebpf", "--bin", NAME])
        .current_dir(&workspace.root);
    ensure!(
        cargo.status()?.success(),
        "the empty programs do not compile"
    );
    Ok(artifacts
        .join(toolchain::target())
        .join("release")
        .join(NAME))
}

/// Says on stderr what is being measured.
fn progress(what: &str) {
    eprintln!("measuring: {what}");
}

#[expect(clippy::disallowed_methods, reason = "the clock rule is for models")]
fn now() -> Instant {
    Instant::now()
}
