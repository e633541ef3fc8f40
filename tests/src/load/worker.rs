//! One process of a workload, and the report of what it moved.

use std::ffi::CString;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::load::result::ProcessBytes;
use crate::load::workload::Moved;
use crate::sys::calls;
use crate::sys::deadline::Deadline;

/// A forked process of a workload.
#[derive(Debug)]
pub(crate) struct Worker {
    pid: Pid,
    pub(crate) name: String,
    report: PipeReader,
    pub(crate) exit: Exit,
}

/// How a worker ends once it has reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It ends at once.
    Itself,
    /// It is killed, with everything still open that its act leaked.
    Killed,
    /// It executes another program, which must succeed.
    Exec,
}

/// What is left to do after the report: nothing, or a program to execute.
pub(crate) type Rest = Option<Command>;

#[derive(Serialize, Deserialize)]
enum Report {
    Rows(Vec<ProcessBytes>),
    Failed(String),
}

impl Worker {
    /// The process `pid`, which will report through `report`.
    pub(crate) fn new(pid: Pid, name: &str, report: PipeReader, exit: Exit) -> Self {
        Self {
            pid,
            name: name.to_owned(),
            report,
            exit,
        }
    }

    /// Its process id, as this process sees it.
    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// Kills it. It stays a zombie until it is reaped, so the pid is no other process's.
    pub(crate) fn kill(&self) {
        let _ = kill(self.pid, Signal::SIGKILL);
    }

    /// Waits for the end of the process.
    pub(crate) fn reap(&self) {
        let _ = waitpid(self.pid, None);
    }

    /// Waits for the end of a process that must succeed.
    pub(crate) fn await_success(&self) -> Result<()> {
        let status = waitpid(self.pid, None)?;
        ensure!(
            status == WaitStatus::Exited(self.pid, 0),
            "`{}`: {status:?}",
            self.name
        );
        Ok(())
    }

    fn own(&self, row: ProcessBytes) -> ProcessBytes {
        let pid = if row.pid == 0 { self.pid() } else { row.pid };
        ProcessBytes { pid, ..row }
    }

    /// Waits for its report: what it moved.
    pub(crate) fn report(&mut self, deadline: Deadline) -> Result<Vec<ProcessBytes>> {
        let mut text = Vec::new();
        let mut part = [0; 4096];
        loop {
            await_readable(&self.report, deadline)
                .with_context(|| format!("`{}` never reported", self.name))?;
            match self.report.read(&mut part)? {
                0 => break,
                n => text.extend_from_slice(part.get(..n).unwrap_or_default()),
            }
        }
        let report = serde_json::from_slice(&text)
            .with_context(|| format!("`{}` died without a report", self.name))?;
        match report {
            Report::Rows(rows) => Ok(rows.into_iter().map(|row| self.own(row)).collect()),
            Report::Failed(why) => bail!("`{}`: {why}", self.name),
        }
    }
}

impl AsFd for Worker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.report.as_fd()
    }
}

/// A row for the process that reports it, which may not know its pid in the namespace of the tests.
pub(crate) fn row(name: &str, moved: Moved) -> ProcessBytes {
    ProcessBytes {
        pid: 0,
        ..own_row(name, moved)
    }
}

/// Runs `act` in this process, reports through `sink` and ends.
pub(crate) fn run(
    exit: Exit,
    mut sink: PipeWriter,
    act: impl FnOnce() -> Result<(Vec<ProcessBytes>, Rest)>,
) -> ! {
    let (report, rest) = match catch_unwind(AssertUnwindSafe(act)) {
        Ok(Ok((rows, rest))) => (Report::Rows(rows), rest),
        Ok(Err(error)) => (Report::Failed(format!("{error:#}")), None),
        Err(_) => (Report::Failed("panicked".to_owned()), None),
    };
    let text = serde_json::to_vec(&report).unwrap_or_default();
    // If this fails, the parent reports that no report came.
    let _ = sink.write_all(&text);
    drop(sink);
    if let Some(mut program) = rest {
        let _ = program.exec();
    }
    match exit {
        Exit::Killed => calls::await_kill(),
        Exit::Itself => calls::exit_now(0),
        Exit::Exec => calls::exit_now(1),
    }
}

/// Takes another name and waits until this is the last thread of its process: the end of a leader sends no event.
pub(crate) fn outlive_leader() -> Result<()> {
    prctl::set_name(c"not the leader")?;
    let deadline = Deadline::seconds(10);
    while !deadline.passed() {
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        if stat.contains(") Z ") {
            return Ok(());
        }
        std::thread::yield_now();
    }
    bail!("the leader still runs")
}

/// Names this process, and lets it die with its parent.
pub(crate) fn prepare(name: &str) -> Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    prctl::set_name(&CString::new(name)?)?;
    Ok(())
}

/// A row for the calling process.
pub fn own_row(name: &str, moved: Moved) -> ProcessBytes {
    ProcessBytes {
        pid: std::process::id(),
        name: name.to_owned(),
        tx_bytes: moved.tx,
        rx_bytes: moved.rx,
    }
}

fn await_readable(fd: &impl AsFd, deadline: Deadline) -> Result<()> {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    while !deadline.passed() {
        if poll(&mut fds, deadline.poll_timeout())? > 0 {
            return Ok(());
        }
    }
    bail!("no report within {:?}", deadline.elapsed())
}
