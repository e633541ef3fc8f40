//! Runs one test program and counts its results.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::libtest;
use crate::count::Count;
use crate::root;

/// Folders of the packages whose tests need root and the program.
const INTEGRATION: [&str; 2] = ["tests", "screenshots"];

/// A program that runs tests and prints their results.
#[derive(Debug)]
pub(super) struct Runner {
    /// Package and target.
    name: String,
    /// Whether it needs root, network namespaces and time.
    is_integration: bool,
    command: Command,
}

impl Runner {
    /// A runner that is started by `command`.
    pub(super) fn new(name: &str, command: Command) -> Self {
        Self {
            name: name.to_owned(),
            is_integration: false,
            command,
        }
    }

    /// Runners are sorted by this: the quick ones come first.
    pub(super) fn order(&self) -> (bool, &str) {
        (self.is_integration, &self.name)
    }

    /// The test program that a message of cargo reports, if it reports one.
    ///
    /// Integration tests read from `NETPERF_TRACE_BIN` where `program`, which they test, is.
    pub(super) fn from_message(message: &Value, program: &Path) -> Option<Self> {
        let is_test =
            message["reason"] == "compiler-artifact" && message["profile"]["test"] == true;
        let executable = Path::new(message["executable"].as_str().filter(|_| is_test)?);
        let folder = Path::new(message["manifest_path"].as_str()?).parent()?;
        let package = folder.file_name()?.to_str()?;
        let is_integration = INTEGRATION.contains(&package);
        let mut command = if is_integration {
            let settings = [("NETPERF_TRACE_BIN", program.as_os_str())];
            let mut command = root::command(Path::new("env"), &settings);
            // `nohup` makes its children ignore it, and their children too.
            command.arg("--default-signal=HUP").arg(executable);
            command
        } else {
            Command::new(executable)
        };
        command.current_dir(folder);
        let name = format!("{package}/{}", message["target"]["name"].as_str()?);
        Some(Self {
            name,
            is_integration,
            command,
        })
    }

    /// Runs it, passing its output on.
    pub(super) fn run(mut self) -> Result<Count> {
        println!("\n{}", self.name);
        let started = self.command.stdout(Stdio::piped()).spawn();
        let mut child = started.with_context(|| format!("`{}` does not start", self.name))?;
        let output = child.stdout.take().context("a piped output is there")?;
        let mut count = Count::default();
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            libtest::read(&mut count, &self.name, &line);
        }
        let status = child.wait()?;
        if !status.success() && !count.has_failures() {
            count.fail(format!("{}: {status}", self.name));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(folder: &str) -> Runner {
        let message = serde_json::json!({
            "reason": "compiler-artifact",
            "profile": {"test": true},
            "executable": "/target/debug/deps/x",
            "manifest_path": format!("/workspace/{folder}/Cargo.toml"),
            "target": {"name": "x"},
        });
        Runner::from_message(&message, Path::new("/program")).unwrap()
    }

    #[test]
    fn unit_tests_run_before_integration_tests() {
        let mut runners = [runner("tests"), runner("xtask"), runner("netperf")];
        runners.sort_by(|a, b| a.order().cmp(&b.order()));
        let names: Vec<_> = runners.iter().map(|runner| runner.name.as_str()).collect();
        assert_eq!(names, ["netperf/x", "xtask/x", "tests/x"]);
    }
}
