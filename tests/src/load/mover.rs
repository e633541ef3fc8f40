//! The program `mover`, which runs workloads for the tests: one process for all paths without a gate, and one
//! for each path that must be set up before the tracer starts.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::load::result::PathResult;
use crate::paths::Path;

/// A running mover.
#[derive(Debug)]
pub struct Mover {
    child: Child,
    lines: BufReader<ChildStdout>,
}

/// Where the mover is: beside the tests in the target directory.
///
/// # Errors
/// When it has not been built.
pub fn binary() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let profile = test
        .ancestors()
        .nth(2)
        .context("a test lives in target/PROFILE/deps")?;
    let mover = profile.join("mover");
    ensure!(mover.exists(), "`{}` is not built", mover.display());
    Ok(mover)
}

impl Mover {
    /// Starts `mover ARGS`.
    ///
    /// # Errors
    /// When it can't run.
    pub fn start<'a>(args: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        // A short name in command lines, wherever the target directory is.
        Self::start_as(Command::new(binary()?).arg0("mover").args(args))
    }

    /// Like [`Self::start`], for a command of any form that becomes the mover.
    ///
    /// # Errors
    /// When it can't run.
    pub fn start_as(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("the mover can't run")?;
        let lines = BufReader::new(child.stdout.take().context("stdout is a pipe")?);
        Ok(Self { child, lines })
    }

    /// Starts a path that has a gate, and waits until it has reached it.
    ///
    /// # Errors
    /// When it fails before.
    pub fn gated(path: &Path) -> Result<Self> {
        let mut mover = Self::start(["run", path.name])?;
        let line = mover.next_line()?.context("the mover ended")?;
        if !line.contains("\"ready\"") {
            bail!("`{}` is not ready: {line}", path.name);
        }
        Ok(mover)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints.
    ///
    /// # Errors
    /// When its output can't be read.
    pub fn next_line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let n = self.lines.read_line(&mut line)?;
        Ok((n > 0).then_some(line))
    }

    /// Opens the gate, or ends a workload that runs until a line comes.
    ///
    /// # Errors
    /// When the mover is gone.
    pub fn resume(&mut self) -> Result<()> {
        let mut stdin = self.child.stdin.take().context("resumed twice")?;
        stdin.write_all(b"resume\n").context("the mover is gone")
    }

    /// Waits until it ends and returns the results of its paths.
    ///
    /// # Errors
    /// When it fails.
    pub fn finish(mut self) -> Result<Vec<PathResult>> {
        let mut results = Vec::new();
        while let Some(line) = self.next_line()? {
            results
                .push(serde_json::from_str(&line).with_context(|| format!("no result: {line}"))?);
        }
        ensure!(self.child.wait()?.success(), "the mover failed");
        Ok(results)
    }
}

/// Opens the gates of those that wait, collects their results, and runs the paths that have no gate.
///
/// # Errors
/// When a mover fails.
pub fn run_paths(mut waiting: Vec<Mover>, open: &[&Path]) -> Result<Vec<PathResult>> {
    for mover in &mut waiting {
        mover.resume()?;
    }
    let mut results = Vec::new();
    for mover in waiting {
        results.extend(mover.finish()?);
    }
    if !open.is_empty() {
        let names = open.iter().map(|path| path.name);
        results.extend(Mover::start(std::iter::once("run").chain(names))?.finish()?);
    }
    Ok(results)
}

impl Drop for Mover {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
