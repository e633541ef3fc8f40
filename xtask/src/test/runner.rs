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

/// Failures of one program that may come from a busy machine. More have another cause.
const RUN_AGAIN_MAX: usize = 3;

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

    /// Runs its tests, passing their output on.
    ///
    /// Integration tests measure times and rates, which another process on the machine can disturb. A few that
    /// fail run once more, alone; the end of the run names those that passed only then.
    pub(super) fn run(mut self) -> Result<Count> {
        let mut count = self.run_once(&[])?;
        let failures = count.failures.clone();
        if !self.is_integration || failures.is_empty() || failures.len() > RUN_AGAIN_MAX {
            return Ok(count);
        }
        let prefix = format!("{}: ", self.name);
        let tests = failures.iter().map(|name| name.trim_start_matches(&prefix));
        let mut args = vec!["--exact", "--test-threads=1"];
        args.extend(tests);
        let second = self.run_once(&args)?;
        // A program that was killed names no test.
        if second.executed() == count.failed {
            count.replace_failures(second);
        }
        Ok(count)
    }

    fn run_once(&mut self, args: &[&str]) -> Result<Count> {
        println!("\n{}", self.name);
        let started = self.command.args(args).stdout(Stdio::piped()).spawn();
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
