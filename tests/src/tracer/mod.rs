//! Starts, reads and stops `netperf-trace`.

pub mod command;
pub mod exact;
pub mod ndjson;
pub mod probe;
pub mod public_copy;
pub mod registry;
pub mod sandbox;
pub mod sandboxed;
#[cfg(feature = "schema")]
pub mod schema;
pub mod sockets;
pub mod stalled;
pub mod states;
pub mod terminal;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::sys::deadline::Deadline;
use crate::tracer::exact::Row;

/// Longest time for the tracer to start, and to stop. On an emulated processor, the kernel takes seconds
/// to verify each program.
const PATIENCE_SECS: u64 = 60;

/// A running tracer that writes NDJSON.
#[derive(Debug)]
pub struct Tracer {
    child: Child,
    lines: Receiver<String>,
    /// Lines that were read before the end.
    taken: Vec<Value>,
    log: Option<JoinHandle<String>>,
    start: Value,
}

/// Everything that a tracer has printed.
#[derive(Debug)]
pub struct Session {
    /// Process id of the tracer.
    pub pid: u32,
    /// The first line.
    pub start: Value,
    /// The lines between.
    pub ticks: Vec<Value>,
    /// The last line.
    pub end: Value,
    /// How it exited.
    pub status: ExitStatus,
    /// What it wrote to stderr.
    pub log: String,
}

/// Path of the tracer's binary: `NETPERF_TRACE_BIN`, or beside the tests in the target directory,
/// in the profile of the tests first.
///
/// # Errors
/// When it has not been built.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("NETPERF_TRACE_BIN") {
        return Ok(PathBuf::from(path));
    }
    let test = std::env::current_exe()?;
    let profile = test
        .ancestors()
        .nth(2)
        .context("a test lives in target/PROFILE/deps")?;
    let places = [
        profile.to_owned(),
        profile.with_file_name("release"),
        profile.with_file_name("debug"),
    ];
    let found = places
        .into_iter()
        .map(|place| place.join("netperf-trace"))
        .find(|it| it.exists());
    found.context("netperf-trace is not built: `cargo xtask test` builds it before the tests")
}

impl Tracer {
    /// Starts `netperf-trace ARGS`, and waits for its first line: every byte counts from then on.
    ///
    /// # Errors
    /// When it does not start; the error has its log.
    pub fn start(args: &[&str]) -> Result<Self> {
        Self::start_as(Command::new(binary()?).args(args))
    }

    /// Like [`Self::start`], for a command that executes the tracer.
    ///
    /// # Errors
    /// When it does not start; the error has its log.
    pub fn start_as(command: &mut Command) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().context("the tracer can't run")?;
        let (sender, lines) = channel();
        let out = child.stdout.take().context("stdout is a pipe")?;
        let mut err = child.stderr.take().context("stderr is a pipe")?;
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let log = thread::spawn(move || {
            let mut log = Vec::new();
            let _ = err.read_to_end(&mut log);
            String::from_utf8_lossy(&log).into_owned()
        });
        let mut tracer = Self {
            child,
            lines,
            taken: Vec::new(),
            log: Some(log),
            start: Value::Null,
        };
        let Some(line) = tracer.next_line(Deadline::seconds(PATIENCE_SECS))? else {
            let status = tracer.child.wait()?;
            bail!("the tracer did not start ({status}): {}", tracer.log())
        };
        tracer.start = line;
        ensure!(
            tracer.start["type"] == "start",
            "the first line is {}",
            tracer.start
        );
        Ok(tracer)
    }

    /// Process id of the tracer.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line, or `None` when the tracer has closed its output.
    ///
    /// # Errors
    /// When the line is wrong, or `deadline` passes without one.
    pub fn next_line(&mut self, deadline: Deadline) -> Result<Option<Value>> {
        match self.lines.recv_timeout(deadline.left()) {
            Ok(line) => ndjson::line(&line).map(Some),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => bail!("the tracer prints nothing"),
        }
    }

    /// Waits for the next line that has not been printed yet; the session will contain it and those before.
    ///
    /// # Errors
    /// When the tracer ends instead, or prints nothing.
    pub fn await_tick(&mut self) -> Result<()> {
        let deadline = Deadline::seconds(PATIENCE_SECS);
        while let Ok(line) = self.lines.try_recv() {
            self.taken.push(ndjson::line(&line)?);
        }
        let tick = self.next_line(deadline)?.context("the tracer ended")?;
        self.taken.push(tick);
        Ok(())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(pid, signal).context("the tracer is gone")
    }

    /// Ends it with SIGINT and returns its session.
    ///
    /// # Errors
    /// When it fails, or its last line is missing.
    pub fn stop(self) -> Result<Session> {
        self.signal(Signal::SIGINT)?;
        self.finish()
    }

    /// Waits until it ends by itself and returns its session.
    ///
    /// # Errors
    /// When it fails, its last line is missing, or it goes on.
    pub fn finish(mut self) -> Result<Session> {
        let deadline = Deadline::seconds(PATIENCE_SECS);
        let mut ticks = std::mem::take(&mut self.taken);
        while let Some(line) = self.next_line(deadline)? {
            ticks.push(line);
        }
        let status = self.child.wait()?;
        let end = ticks
            .pop()
            .with_context(|| format!("{status}, and no last line"))?;
        ensure!(end["type"] == "end", "{status}, and the last line is {end}");
        let start = self.start.take();
        Ok(Session {
            pid: self.child.id(),
            start,
            ticks,
            end,
            status,
            log: self.log(),
        })
    }

    fn log(&mut self) -> String {
        self.log
            .take()
            .and_then(|log| log.join().ok())
            .unwrap_or_default()
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bytes of one process in a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Names that it had, in order.
    pub names: Vec<String>,
    /// Sum of `tx_bytes` over all ticks.
    pub tx_bytes: u64,
    /// Sum of `rx_bytes` over all ticks.
    pub rx_bytes: u64,
    /// `tx_total` of its last row.
    pub tx_total: u64,
    /// `rx_total` of its last row.
    pub rx_total: u64,
}

impl Session {
    /// Sums the rows of each process, by pid and start time, over all ticks of `top`.
    ///
    /// # Errors
    /// When a row lacks a field.
    pub fn totals(&self) -> Result<BTreeMap<(u32, String), Totals>> {
        let mut totals = BTreeMap::<(u32, String), Totals>::new();
        for tick in &self.ticks {
            let rows = tick["processes"]
                .as_array()
                .context("no processes in a tick")?;
            for row in rows {
                let pid = u32::try_from(integer(row, "pid")?)?;
                // Pid 0 stands for the kernel, which has no start time.
                let start = if pid == 0 {
                    String::new()
                } else {
                    text(row, "start_time")?
                };
                totals.entry((pid, start)).or_default().add(row)?;
            }
        }
        Ok(totals)
    }
}

impl Totals {
    /// Its names and sums.
    pub fn row(&self) -> Row {
        (self.names.join(", then "), self.tx_bytes, self.rx_bytes)
    }

    fn add(&mut self, row: &Value) -> Result<()> {
        let name = text(row, "name")?;
        if self.names.last() != Some(&name) {
            self.names.push(name);
        }
        self.tx_bytes += integer(row, "tx_bytes")?;
        self.rx_bytes += integer(row, "rx_bytes")?;
        self.tx_total = integer(row, "tx_total")?;
        self.rx_total = integer(row, "rx_total")?;
        Ok(())
    }
}

/// The field `name` of `row`, a non-negative integer.
///
/// # Errors
/// When it is not.
pub fn integer(row: &Value, name: &str) -> Result<u64> {
    row[name]
        .as_u64()
        .with_context(|| format!("`{name}` is not an integer in {row}"))
}

/// The field `name` of `row`, a string.
///
/// # Errors
/// When it is not.
pub fn text(row: &Value, name: &str) -> Result<String> {
    let text = row[name]
        .as_str()
        .with_context(|| format!("`{name}` is not a string in {row}"))?;
    Ok(text.to_owned())
}
