//! Who plays a path? Roles are forked children, so that each moves bytes under a pid of its own.
//!
//! The process that forks them must have one thread. A role reports what it moved through a pipe,
//! which no tracer counts.

use std::ffi::CString;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context, Result, bail};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::calls::{self, Fork};
use crate::deadline::Deadline;
use crate::expect::Expected;

/// Longest time that a path may take.
const PATIENCE_SECS: u64 = 20;

/// What a role moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Payload handed to sockets.
    pub tx: u64,
    /// Payload taken from sockets.
    pub rx: u64,
}

impl Moved {
    /// Sent `tx` bytes, received none.
    pub fn sent(tx: u64) -> Self {
        Self { tx, rx: 0 }
    }

    /// Received `rx` bytes, sent none.
    pub fn received(rx: u64) -> Self {
        Self { tx: 0, rx }
    }
}

/// How a path learns that the tracer counts from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It is told on stdin, after it has said on stdout that it is ready.
    Stdio,
    /// Nobody traces: go on at once.
    Open,
}

/// The processes of one path.
#[derive(Debug)]
pub struct Cast {
    gate: Gate,
    children: Vec<Child>,
}

#[derive(Debug)]
struct Child {
    pid: Pid,
    name: String,
    report: std::io::PipeReader,
    exit: Exit,
}

/// How a role ends once it has reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Itself,
    Killed,
}

#[derive(Serialize, Deserialize)]
enum Report {
    Rows(Vec<Expected>),
    Failed(String),
}

impl Cast {
    /// An empty cast.
    pub fn new(gate: Gate) -> Self {
        Self {
            gate,
            children: Vec::new(),
        }
    }

    /// Forks a process called `name` that plays `act`.
    ///
    /// # Errors
    /// When the process can't be made.
    pub fn role(&mut self, name: &str, act: impl FnOnce() -> Result<Moved>) -> Result<()> {
        self.fork(name, Exit::Itself, || Ok(vec![own_row(name, act()?)]))
    }

    /// Like [`Self::role`], but the process is killed with SIGKILL after it has reported, with
    /// everything still open that `act` leaked.
    ///
    /// # Errors
    /// When the process can't be made.
    pub fn victim(&mut self, name: &str, act: impl FnOnce() -> Result<Moved>) -> Result<()> {
        self.fork(name, Exit::Killed, || Ok(vec![own_row(name, act()?)]))
    }

    /// Like [`Self::role`], for an act that reports rows of processes it made itself.
    ///
    /// # Errors
    /// When the process can't be made.
    pub fn troupe(
        &mut self,
        name: &str,
        act: impl FnOnce() -> Result<Vec<Expected>>,
    ) -> Result<()> {
        self.fork(name, Exit::Itself, act)
    }

    fn fork(
        &mut self,
        name: &str,
        exit: Exit,
        act: impl FnOnce() -> Result<Vec<Expected>>,
    ) -> Result<()> {
        let (report, sink) = std::io::pipe().context("a role needs a pipe")?;
        match calls::fork().with_context(|| format!("`{name}` can't be forked"))? {
            Fork::Child => play(name, exit, sink, act),
            Fork::Parent(pid) => {
                self.children.push(Child {
                    pid,
                    name: name.to_owned(),
                    report,
                    exit,
                });
                Ok(())
            }
        }
    }

    /// Waits until `roles` processes stand at `curtain`, then until the tracer runs, then lets
    /// them go on.
    ///
    /// # Errors
    /// When a role does not come, or nobody opens the gate.
    pub fn raise(&self, curtain: &Curtain, roles: u32) -> Result<()> {
        let deadline = Deadline::seconds(PATIENCE_SECS);
        for _ in 0..roles {
            await_readable(&curtain.ready, deadline).context("a role never got ready")?;
            curtain.ready.read()?;
        }
        if self.gate == Gate::Stdio {
            let mut out = std::io::stdout().lock();
            out.write_all(b"{\"type\":\"ready\"}\n")?;
            out.flush()?;
            let told = std::io::stdin().read_line(&mut String::new())?;
            anyhow::ensure!(told > 0, "stdin ended before the tracer ran");
        }
        curtain.go.write(u64::from(roles))?;
        Ok(())
    }

    /// Waits for every role and gives what each moved, with a row of zeros for this process.
    ///
    /// # Errors
    /// When a role failed or did not end in time.
    pub fn finish(mut self) -> Result<Vec<Expected>> {
        let deadline = Deadline::seconds(PATIENCE_SECS);
        let mut rows = vec![own_row("mover", Moved::default())];
        // The others may wait for what the end of a killed process sets free.
        self.children
            .sort_by_key(|child| child.exit == Exit::Itself);
        for child in &mut self.children {
            rows.append(&mut child.report(deadline)?);
            if child.exit == Exit::Killed {
                kill(child.pid, Signal::SIGKILL)?;
            }
        }
        Ok(rows)
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        for child in &self.children {
            // Zombies until they are waited for, so the pid can't be another process's.
            let _ = kill(child.pid, Signal::SIGKILL);
            let _ = waitpid(child.pid, None);
        }
    }
}

impl Child {
    fn report(&mut self, deadline: Deadline) -> Result<Vec<Expected>> {
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
            Report::Rows(rows) => Ok(rows),
            Report::Failed(why) => bail!("`{}`: {why}", self.name),
        }
    }
}

fn play(
    name: &str,
    exit: Exit,
    mut sink: std::io::PipeWriter,
    act: impl FnOnce() -> Result<Vec<Expected>>,
) -> ! {
    let report = match catch_unwind(AssertUnwindSafe(|| prepare(name).and_then(|()| act()))) {
        Ok(Ok(rows)) => Report::Rows(rows),
        Ok(Err(error)) => Report::Failed(format!("{error:#}")),
        Err(_) => Report::Failed("panicked".to_owned()),
    };
    let text = serde_json::to_vec(&report).unwrap_or_default();
    // Nobody is left to be told when this fails; the parent says that no report came.
    let _ = sink.write_all(&text);
    drop(sink);
    if exit == Exit::Killed {
        calls::await_kill();
    }
    calls::exit_now()
}

fn prepare(name: &str) -> Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    prctl::set_name(&CString::new(name)?)?;
    Ok(())
}

/// A row for the calling process.
pub fn own_row(name: &str, moved: Moved) -> Expected {
    Expected {
        pid: std::process::id(),
        name: name.to_owned(),
        tx_bytes: moved.tx,
        rx_bytes: moved.rx,
    }
}

/// Where roles wait until the tracer runs. Made before the roles, shared by fork.
#[derive(Debug)]
pub struct Curtain {
    ready: EventFd,
    go: EventFd,
}

impl Curtain {
    /// A closed curtain.
    ///
    /// # Errors
    /// When the kernel gives no eventfd.
    pub fn new() -> Result<Self> {
        Ok(Self {
            ready: semaphore()?,
            go: semaphore()?,
        })
    }

    /// Says that this role is ready and waits until the tracer runs.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn wait(&self) -> Result<()> {
        self.ready.write(1)?;
        self.go.read()?;
        Ok(())
    }
}

/// Something that one role tells others. Made before the roles, shared by fork.
#[derive(Debug)]
pub struct Cue(EventFd);

impl Cue {
    /// A cue that nobody gave yet.
    ///
    /// # Errors
    /// When the kernel gives no eventfd.
    pub fn new() -> Result<Self> {
        Ok(Self(semaphore()?))
    }

    /// Lets `roles` calls of [`Self::wait`] pass.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn give(&self, roles: u64) -> Result<()> {
        self.0.write(roles)?;
        Ok(())
    }

    /// Waits until the cue is given.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn wait(&self) -> Result<()> {
        self.0.read()?;
        Ok(())
    }
}

fn semaphore() -> Result<EventFd> {
    let flags = EfdFlags::EFD_SEMAPHORE | EfdFlags::EFD_CLOEXEC;
    EventFd::from_value_and_flags(0, flags).context("the kernel gave no eventfd")
}

fn await_readable(fd: &impl AsFd, deadline: Deadline) -> Result<()> {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    while !deadline.passed() {
        if poll(&mut fds, deadline.poll_timeout())? > 0 {
            return Ok(());
        }
    }
    bail!("nothing came in {PATIENCE_SECS} s")
}
