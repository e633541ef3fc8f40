//! What was moved, and what was seen of it? One run of the tracer over some paths.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::tracer::{Seen, Tracer};
use crate::paths::Path;
use crate::played::Played;

const MOVER: &str = "/bin/mover";

/// What a tracer saw of the paths that were played under it.
#[derive(Debug)]
pub(super) struct Round {
    /// The paths, in the order in which they were played.
    pub(super) played: Vec<Played>,
    /// What the tracer saw of all of them: each has processes of its own.
    pub(super) seen: Seen,
}

/// Plays `paths` one after the other while one tracer runs.
///
/// # Errors
/// When the tracer or the mover fails.
pub(super) fn together(set: &str, paths: &[&Path]) -> Result<Round> {
    let tracer = Tracer::start(set)?;
    let played = Mover::start(paths)?.finish()?;
    let seen = tracer.stop()?;
    Ok(Round { played, seen })
}

/// Starts the tracer when the path has set up its sockets and waits.
///
/// # Errors
/// When the tracer or the mover fails.
pub(super) fn in_the_middle(set: &str, path: &Path) -> Result<Round> {
    let mut mover = Mover::start(&[path])?;
    if let Some(end) = mover.await_gate()? {
        let (played, seen) = (vec![end], Seen::default());
        return Ok(Round { played, seen });
    }
    let tracer = Tracer::start(set)?;
    mover.open_gate()?;
    let played = mover.finish()?;
    let seen = tracer.stop()?;
    Ok(Round { played, seen })
}

struct Mover {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Mover {
    fn start(paths: &[&Path]) -> Result<Self> {
        let mut child = Command::new(MOVER)
            .arg("run")
            .args(paths.iter().map(|path| path.name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the mover is not in the image")?;
        let output = child.stdout.take().context("a piped output is there")?;
        let lines = BufReader::new(output).lines();
        Ok(Self { child, lines })
    }

    /// Waits until the path waits; gives how it went if it ended instead.
    fn await_gate(&mut self) -> Result<Option<Played>> {
        let line = self.lines.next().context("the mover said nothing")??;
        let value: Value = serde_json::from_str(&line)?;
        if value["type"] == "ready" {
            return Ok(None);
        }
        Ok(Some(serde_json::from_value(value)?))
    }

    fn open_gate(&mut self) -> Result<()> {
        let stdin = self
            .child
            .stdin
            .as_mut()
            .context("a piped input is there")?;
        Ok(stdin.write_all(b"\n")?)
    }

    fn finish(mut self) -> Result<Vec<Played>> {
        let mut played = Vec::new();
        for line in self.lines {
            played.push(serde_json::from_str(&line?)?);
        }
        let status = self.child.wait()?;
        ensure!(status.success(), "the mover ended with {status}");
        Ok(played)
    }
}
