//! `cargo xtask screenshots`: takes the pictures in `docs/images` again.
//!
//! What takes them is in `xtask/screenshots`.

use std::ffi::OsStr;
use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::build::{self, Profile};
use crate::root;
use crate::setup::programs::{self, Program};
use crate::workspace::Workspace;

/// What makes the load, and enters its namespaces.
const NEEDED: [Program; 7] = [
    Program {
        name: "ip",
        package: "iproute2",
    },
    Program {
        name: "nsenter",
        package: "util-linux",
    },
    Program {
        name: "curl",
        package: "curl",
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
        name: "nginx",
        package: "nginx",
    },
    Program {
        name: "rsync",
        package: "rsync",
    },
];

/// Compiles the program and what takes the pictures, and runs that as root.
pub(crate) fn run(workspace: &Workspace, names: &[String]) -> Result<ExitCode> {
    root::obtain("cargo xtask screenshots")?;
    programs::ensure(workspace, &NEEDED, "make a load for the pictures")?;
    let program = build::build(workspace, Profile::Release)?;
    let mut cargo = workspace.cargo("build");
    cargo.args(["--package", "netperf-screenshots"]);
    ensure!(
        cargo.status()?.success(),
        "what takes the pictures does not compile"
    );
    let settings: [(&str, &OsStr); 1] = [("NETPERF_TRACE_BIN", program.as_os_str())];
    let screenshots = workspace.target.join("debug/screenshots");
    let mut command = root::command(&screenshots, &settings);
    command
        .arg("--folder")
        .arg(workspace.root.join("docs/images"));
    let status = command.args(names).status()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
