//! Who plays a path? Roles are forked children, so that each moves bytes under a pid of its own.
//!
//! The process that forks them must have one thread. A role reports what it moved through a pipe,
//! which no tracer counts.

use std::io::{PipeWriter, Write};
use std::os::fd::AsFd;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::poll::{PollFd, PollFlags, poll};

use nix::unistd::Pid;

use crate::load::sync::Curtain;
use crate::load::worker::{self, Exit, Rest, Role, prepare, row};
use crate::sys::calls::{self, Fork};
use crate::sys::deadline::Deadline;
use crate::tracer::exact::Expected;

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
    patience: Duration,
    roles: Vec<Role>,
    /// Pid that the next role must have.
    next_pid: Option<Pid>,
}

impl Cast {
    /// An empty cast.
    pub fn new(gate: Gate) -> Self {
        Self {
            gate,
            patience: Duration::from_secs(PATIENCE_SECS),
            roles: Vec::new(),
            next_pid: None,
        }
    }

    /// Lets the path take `seconds` longer than others may.
    pub fn take_time(&mut self, seconds: u64) {
        self.patience += Duration::from_secs(seconds);
    }

    /// Gives the next role the pid of a process that has ended.
    pub fn reuse_pid(&mut self, pid: u32) {
        self.next_pid = i32::try_from(pid).ok().map(Pid::from_raw);
    }

    /// The processes in the order in which they were made: name and pid.
    pub fn pids(&self) -> impl Iterator<Item = (&str, u32)> {
        self.roles
            .iter()
            .map(|role| (role.name.as_str(), role.pid()))
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
                worker::play(Exit::Itself, sink, move || {
                    prepared?;
                    worker::outlive_leader()?;
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
            worker::play(exit, sink, || prepare(name).and_then(|()| act()))
        })
    }

    fn enter(&mut self, name: &str, exit: Exit, child: impl FnOnce(PipeWriter)) -> Result<()> {
        let (report, sink) = std::io::pipe().context("a role needs a pipe")?;
        let forked = self
            .next_pid
            .take()
            .map_or_else(calls::fork, calls::fork_into);
        match forked.with_context(|| format!("`{name}` can't be forked"))? {
            Fork::Child => {
                child(sink);
                calls::exit_now(1)
            }
            Fork::Parent(pid) => {
                self.roles.push(Role::new(pid, name, report, exit));
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
        curtain.open(roles)
    }

    /// Waits for one more role at the curtain; one that ends instead has failed.
    fn await_ready(&mut self, curtain: &Curtain) -> Result<()> {
        let deadline = Deadline::after(self.patience);
        let reports = self.roles.iter().map(AsFd::as_fd);
        let watched = std::iter::once(curtain.as_fd()).chain(reports);
        let mut fds: Vec<_> = watched
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        poll(&mut fds, deadline.poll_timeout())?;
        let spoke: Vec<bool> = fds.iter().map(|fd| fd.any() == Some(true)).collect();
        match spoke.iter().position(|spoke| *spoke) {
            None => bail!("a role never got ready"),
            Some(0) => curtain.take(),
            Some(role) => {
                let ended = self.roles.get_mut(role - 1).context("no such role")?;
                bail!("ended before the curtain: {:?}", ended.report(deadline)?)
            }
        }
    }

    /// Waits for every role and gives what each moved.
    ///
    /// # Errors
    /// When a role failed or did not end in time.
    pub fn finish(mut self) -> Result<Vec<Expected>> {
        let deadline = Deadline::after(self.patience);
        let mut rows = Vec::new();
        // The others may wait for what the end of a killed process sets free.
        self.roles.sort_by_key(|role| role.exit == Exit::Itself);
        for role in &mut self.roles {
            rows.append(&mut role.report(deadline)?);
            if role.exit == Exit::Killed {
                role.kill();
            }
        }
        let mut programs = self.roles.iter().filter(|role| role.exit == Exit::Exec);
        programs.try_for_each(Role::await_success)?;
        Ok(rows)
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        self.roles.iter().for_each(Role::kill);
        self.roles.iter().for_each(Role::reap);
    }
}
