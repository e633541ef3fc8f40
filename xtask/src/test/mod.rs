//! `cargo xtask test`: does everything still do what its tests claim?
//!
//! Compiles all test programs first, then runs one after the other; those of the `tests` folder run
//! as root, as they make network namespaces and load eBPF programs. Kernels other than this one's
//! come last, with one path of each kind.

mod libtest;
mod runner;

use std::path::Path;
use std::process::{ExitCode, Stdio};

use anyhow::{Result, ensure};
use serde_json::Value;

use self::runner::Runner;
use crate::build::{self, Profile};
use crate::count::Count;
use crate::root;
use crate::setup::programs::{self, Program};
use crate::vm;
use crate::workspace::Workspace;

/// What the tests call beside the program.
const NEEDED: [Program; 11] = [
    Program {
        name: "ip",
        package: "iproute2",
    },
    // What limits and requests are tried on.
    Program {
        name: "curl",
        package: "curl",
    },
    Program {
        name: "dig",
        package: "bind9-dnsutils",
    },
    Program {
        name: "dnsmasq",
        package: "dnsmasq-base",
    },
    Program {
        name: "iperf3",
        package: "iperf3",
    },
    Program {
        name: "mtr",
        package: "mtr-tiny",
    },
    Program {
        name: "nginx",
        package: "nginx",
    },
    Program {
        name: "openssl",
        package: "openssl",
    },
    Program {
        name: "ping",
        package: "iputils-ping",
    },
    Program {
        name: "python3",
        package: "python3",
    },
    Program {
        name: "rsync",
        package: "rsync",
    },
];

/// Packages that have tests: all but the kernel side, which this machine can't run by itself.
const SELECTION: [&str; 3] = ["--workspace", "--exclude", "netperf-ebpf"];

/// Runs every test and prints the sum of all runners as the last line.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    root::obtain("cargo xtask test")?;
    programs::ensure(workspace, &NEEDED, "run the tests")?;
    let program = build::build(workspace, Profile::Release)?;
    let mut runners = compile(workspace, &program)?;
    runners.push(documentation(workspace));

    let mut total = Count::default();
    for runner in runners {
        total.add(runner.run()?);
    }
    total.add(vm::smoke(workspace));
    println!();
    for name in &total.failures {
        println!("failed: {name}");
    }
    if total.executed() == 0 {
        println!("failed: no test was executed at all");
    }
    println!("{total}");
    Ok(if total.is_success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Compiles the test programs of every package, and puts them in the order of their names.
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
    runners.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(runners)
}

/// The examples in the documentation, which only cargo can run.
fn documentation(workspace: &Workspace) -> Runner {
    let mut cargo = workspace.cargo("test");
    cargo.arg("--doc").args(SELECTION);
    Runner::new("examples in the documentation", cargo)
}
