//! What did the tracer see? One run of it, from its first line to its last.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const PROGRAM: &str = "/bin/netperf-trace";
/// Where its diagnostics go.
const DIAGNOSTICS: &str = "/tmp/tracer.log";
/// Under emulation, the verifier takes its time.
const PATIENCE: Duration = Duration::from_secs(90);

/// A tracer that counts.
pub(super) struct Tracer {
    child: Child,
    start: Value,
    reader: JoinHandle<Result<Seen>>,
}

/// What the tracer saw, summed over its ticks.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Bytes sent and received by pid.
    pub(super) processes: HashMap<u32, (u64, u64)>,
    /// What could not be delivered, if anything.
    pub(super) loss: Option<String>,
    /// What it wrote to stderr.
    pub(super) diagnostics: String,
}

/// The tracer ended before it counted.
#[derive(Debug, thiserror::Error)]
#[error("it did not start: {diagnostics}")]
pub(super) struct Refused {
    /// Its exit status.
    pub(super) status: Option<i32>,
    diagnostics: String,
}

impl Tracer {
    /// Starts it and waits until every byte counts.
    ///
    /// # Errors
    /// [`Refused`] when it ends before.
    pub(super) fn start(hooks: &str) -> Result<Self> {
        let mut child = Command::new(PROGRAM)
            .args(["top", "--json", "--hooks", hooks])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(DIAGNOSTICS)?)
            .spawn()
            .context("the tracer is not in the image")?;
        let output = child.stdout.take().context("a piped output is there")?;
        let (sender, started) = channel();
        let reader = thread::spawn(move || read(output, &sender));
        match await_start(&started) {
            Ok(start) => Ok(Self {
                child,
                start,
                reader,
            }),
            Err(error) => {
                // Nothing is left to do about a tracer that neither starts nor ends.
                let _ = child.kill();
                let status = child.wait()?.code();
                let diagnostics = std::fs::read_to_string(DIAGNOSTICS)?.trim().to_owned();
                Err(anyhow!(Refused {
                    status,
                    diagnostics
                })
                .context(error))
            }
        }
    }

    /// Its first line.
    pub(super) fn start_line(&self) -> &Value {
        &self.start
    }

    /// Ends it as a person would, and gives what it saw.
    ///
    /// # Errors
    /// When it does not end well.
    pub(super) fn stop(mut self) -> Result<Seen> {
        let pid = i32::try_from(self.child.id())?;
        kill(Pid::from_raw(pid), Signal::SIGINT)?;
        let status = self.child.wait()?;
        let mut seen = self
            .reader
            .join()
            .map_err(|_panic| anyhow!("the reader panicked"))??;
        seen.diagnostics = std::fs::read_to_string(DIAGNOSTICS)?;
        ensure!(status.success(), "{status}: {}", seen.diagnostics);
        Ok(seen)
    }
}

fn await_start(started: &Receiver<Value>) -> Result<Value> {
    let line = started.recv_timeout(PATIENCE)?;
    ensure!(line["type"] == "start", "its first line was {line}");
    Ok(line)
}

/// Reads every line; the first goes to the one who waits for it.
fn read(output: ChildStdout, started: &Sender<Value>) -> Result<Seen> {
    let mut seen = Seen::default();
    for (number, line) in BufReader::new(output).lines().enumerate() {
        let line: Value = serde_json::from_str(&line?)?;
        if number == 0 {
            // Nobody waits any more if this took too long.
            let _ = started.send(line);
        } else {
            seen.take(&line)?;
        }
    }
    Ok(seen)
}

impl Seen {
    fn take(&mut self, tick: &Value) -> Result<()> {
        for row in tick["processes"].as_array().into_iter().flatten() {
            let number = |field: &str| {
                row[field]
                    .as_u64()
                    .with_context(|| format!("no `{field}` in {row}"))
            };
            let (tx, rx) = (number("tx_bytes")?, number("rx_bytes")?);
            let total = self
                .processes
                .entry(u32::try_from(number("pid")?)?)
                .or_default();
            *total = (total.0 + tx, total.1 + rx);
        }
        let lost = tick["loss"].as_object().into_iter().flatten();
        if lost.into_iter().any(|(_, count)| count != 0) {
            self.loss = Some(tick["loss"].to_string());
        }
        Ok(())
    }
}
