//! How is one test program run, and what did it say?

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::libtest;
use crate::count::Count;
use crate::root;

/// Package whose tests need root.
const INTEGRATION: &str = "tests";

/// A program that runs tests and says how it went.
#[derive(Debug)]
pub(super) struct Runner {
    /// Package and target.
    pub(super) name: String,
    command: Command,
}

impl Runner {
    /// A runner that is started by `command`.
    pub(super) fn new(name: &str, command: Command) -> Self {
        Self {
            name: name.to_owned(),
            command,
        }
    }

    /// The test program that a message of cargo is about, if it is about one.
    ///
    /// Integration tests find in `NETPERF_TRACE_BIN` the `program` that they are to test.
    pub(super) fn from_message(message: &Value, program: &Path) -> Option<Self> {
        let is_test =
            message["reason"] == "compiler-artifact" && message["profile"]["test"] == true;
        let executable = Path::new(message["executable"].as_str().filter(|_| is_test)?);
        let folder = Path::new(message["manifest_path"].as_str()?).parent()?;
        let package = folder.file_name()?.to_str()?;
        let mut command = if package == INTEGRATION {
            let settings = [("NETPERF_TRACE_BIN", program.as_os_str())];
            let mut command = root::command(Path::new("env"), &settings);
            // Whoever starts the tests may ignore it (`nohup`), and all that they start would.
            command.arg("--default-signal=HUP").arg(executable);
            command
        } else {
            Command::new(executable)
        };
        command.current_dir(folder);
        let name = format!("{package}/{}", message["target"]["name"].as_str()?);
        Some(Self { name, command })
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
