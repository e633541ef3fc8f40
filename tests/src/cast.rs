//! Who plays a path? Roles are forked children, so that each moves bytes under a pid of its own.
//!
//! The process that forks them must have one thread. A role reports what it moved through a pipe,
//! which no tracer counts.

use std::ffi::CString;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
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
    report: PipeReader,
    exit: Exit,
}

/// How a role ends once it has reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// It ends at once.
    Itself,
    /// It is killed, with everything still open that its act leaked.
    Killed,
    /// It becomes another program, which ends with success.
    Exec,
}

/// What is left to do after the report: nothing, or a program to become.
type Rest = Option<Command>;

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
        self.fork(name, Exit::Itself, || Ok((vec![row(name, act()?)], None)))
    }

    /// Like [`Self::role`], but the process is killed with SIGKILL after it has reported, with
    /// everything still open that `act` leaked.
    ///
    /// # Errors
    /// When the process can't be made.
    pub fn victim(&mut self, name: &str, act: impl FnOnce() -> Result<Moved>) -> Result<()> {
        self.fork(name, Exit::Killed, || Ok((vec![row(name, act()?)], None)))
    }

    /// Like [`Self::role`], but the process then becomes the program that `act` gives, whose bytes
    /// the report already contains.
    ///
    /// # Errors
    /// When the process can't be made.
    pub fn becoming(
        &mut self,
        name: &str,
        act: impl FnOnce() -> Result<(Moved, Command)>,
    ) -> Result<()> {
        self.fork(name, Exit::Exec, || {
            let (moved, program) = act()?;
            Ok((vec![row(name, moved)], Some(program)))
        })
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
        self.fork(name, Exit::Itself, || Ok((act()?, None)))
    }

    /// Like [`Self::role`], but `act` runs in a thread that outlives the leader of the process.
    ///
    /// # Errors
    /// When the process can't be made.
    pub fn leaderless(
        &mut self,
        name: &str,
        act: impl FnOnce() -> Result<Moved> + Send + 'static,
    ) -> Result<()> {
        let called = name.to_owned();
        self.enter(name, Exit::Itself, |sink| {
            let prepared = prepare(name);
            std::thread::spawn(move || {
                play(Exit::Itself, sink, move || {
                    prepared?;
                    prctl::set_name(c"not the leader")?;
                    await_leader_end()?;
                    Ok((vec![row(&called, act()?)], None))
                })
            });
            calls::exit_thread()
        })
    }

    fn fork(
        &mut self,
        name: &str,
        exit: Exit,
        act: impl FnOnce() -> Result<(Vec<Expected>, Rest)>,
    ) -> Result<()> {
        self.enter(name, exit, |sink| {
            play(exit, sink, || prepare(name).and_then(|()| act()))
        })
    }

    fn enter(&mut self, name: &str, exit: Exit, child: impl FnOnce(PipeWriter)) -> Result<()> {
        let (report, sink) = std::io::pipe().context("a role needs a pipe")?;
        match calls::fork().with_context(|| format!("`{name}` can't be forked"))? {
            Fork::Child => {
                child(sink);
                calls::exit_now(1)
            }
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
    pub fn raise(&mut self, curtain: &Curtain, roles: u32) -> Result<()> {
        for _ in 0..roles {
            self.await_ready(curtain)?;
        }
        if self.gate == Gate::Stdio {
            let mut out = std::io::stdout().lock();
            out.write_all(b"{\"type\":\"ready\"}\n")?;
            out.flush()?;
            let told = std::io::stdin().read_line(&mut String::new())?;
            ensure!(told > 0, "stdin ended before the tracer ran");
        }
        curtain.go.write(u64::from(roles))?;
        Ok(())
    }

    /// Waits for one more role at the curtain; one that ends instead has failed.
    fn await_ready(&mut self, curtain: &Curtain) -> Result<()> {
        let deadline = Deadline::seconds(PATIENCE_SECS);
        let reports = self.children.iter().map(|child| child.report.as_fd());
        let watched = std::iter::once(curtain.ready.as_fd()).chain(reports);
        let mut fds: Vec<_> = watched
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        poll(&mut fds, deadline.poll_timeout())?;
        let spoke: Vec<bool> = fds.iter().map(|fd| fd.any() == Some(true)).collect();
        match spoke.iter().position(|spoke| *spoke) {
            None => bail!("a role never got ready"),
            Some(0) => curtain.ready.read().map(drop).context("an eventfd failed"),
            Some(child) => {
                let ended = self.children.get_mut(child - 1).context("no such role")?;
                bail!("ended before the curtain: {:?}", ended.report(deadline)?)
            }
        }
    }

    /// Waits for every role and gives what each moved.
    ///
    /// # Errors
    /// When a role failed or did not end in time.
    pub fn finish(mut self) -> Result<Vec<Expected>> {
        let deadline = Deadline::seconds(PATIENCE_SECS);
        let mut rows = Vec::new();
        // The others may wait for what the end of a killed process sets free.
        self.children
            .sort_by_key(|child| child.exit == Exit::Itself);
        let mut becoming = Vec::new();
        for child in &mut self.children {
            rows.append(&mut child.report(deadline)?);
            match child.exit {
                Exit::Itself => {}
                Exit::Killed => kill(child.pid, Signal::SIGKILL)?,
                Exit::Exec => becoming.push(child),
            }
        }
        for child in becoming {
            let status = waitpid(child.pid, None)?;
            ensure!(
                status == WaitStatus::Exited(child.pid, 0),
                "`{}`: {status:?}",
                child.name
            );
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
    fn own(&self, row: Expected) -> Expected {
        let pid = if row.pid == 0 {
            self.pid.as_raw().unsigned_abs()
        } else {
            row.pid
        };
        Expected { pid, ..row }
    }

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
            Report::Rows(rows) => Ok(rows.into_iter().map(|row| self.own(row)).collect()),
            Report::Failed(why) => bail!("`{}`: {why}", self.name),
        }
    }
}

/// A row of the process that reports it, which may not know the pid that others see.
fn row(name: &str, moved: Moved) -> Expected {
    Expected {
        pid: 0,
        ..own_row(name, moved)
    }
}

fn play(
    exit: Exit,
    mut sink: PipeWriter,
    act: impl FnOnce() -> Result<(Vec<Expected>, Rest)>,
) -> ! {
    let (report, rest) = match catch_unwind(AssertUnwindSafe(act)) {
        Ok(Ok((rows, rest))) => (Report::Rows(rows), rest),
        Ok(Err(error)) => (Report::Failed(format!("{error:#}")), None),
        Err(_) => (Report::Failed("panicked".to_owned()), None),
    };
    let text = serde_json::to_vec(&report).unwrap_or_default();
    // Nobody is left to be told when this fails; the parent says that no report came.
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

/// Waits until only this thread is left of its process. Nobody tells of a leader's end.
fn await_leader_end() -> Result<()> {
    let deadline = Deadline::seconds(PATIENCE_SECS);
    while !deadline.passed() {
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        if stat.contains(") Z ") {
            return Ok(());
        }
        std::thread::yield_now();
    }
    bail!("the leader lives on")
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

    /// Says that this role is ready and does not wait: it is about to block in a call.
    ///
    /// # Errors
    /// When the eventfd fails.
    pub fn stand(&self) -> Result<()> {
        self.ready.write(1)?;
        Ok(())
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
