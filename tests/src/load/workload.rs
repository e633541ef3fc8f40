//! A workload: forked processes that each move bytes under a pid of their own.
//!
//! The process that forks them must have one thread. A worker reports what it moved through a pipe,
//! which no tracer counts.

use std::io::PipeWriter;
use std::os::fd::AsFd;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::poll::{PollFd, PollFlags, poll};

use nix::unistd::Pid;

use crate::load::result::ProcessBytes;
use crate::load::sync::Barrier;
use crate::load::worker::{self, Exit, Rest, Worker, prepare, row};
use crate::sys::calls::{self, Fork};
use crate::sys::deadline::Deadline;
use crate::sys::stdout::{READY, print_line};

/// Longest time that a workload may take.
const PATIENCE_SECS: u64 = 20;

/// Bytes that a worker moved.
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

/// How a workload learns that the tracer has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It prints that it is ready, and waits for a line on stdin.
    Stdio,
    /// There is no tracer: it goes on at once.
    Open,
}

/// The processes of one path, or of a longer workload.
#[derive(Debug)]
pub struct Workload {
    gate: Gate,
    patience: Duration,
    workers: Vec<Worker>,
    /// Pid that the next worker must have.
    next_pid: Option<Pid>,
}

impl Workload {
    /// A workload without processes.
    pub fn new(gate: Gate) -> Self {
        Self {
            gate,
            patience: Duration::from_secs(PATIENCE_SECS),
            workers: Vec::new(),
            next_pid: None,
        }
    }

    /// Lets this workload take `seconds` longer than others.
    pub fn extend_timeout(&mut self, seconds: u64) {
        self.patience += Duration::from_secs(seconds);
    }

    /// Gives the next worker the pid of a process that has ended.
    pub fn reuse_pid(&mut self, pid: u32) {
        self.next_pid = i32::try_from(pid).ok().map(Pid::from_raw);
    }

    /// The processes in the order in which they were made: name and pid.
    pub fn pids(&self) -> impl Iterator<Item = (&str, u32)> {
        self.workers
            .iter()
            .map(|worker| (worker.name.as_str(), worker.pid()))
    }

    /// Forks a process called `name` that runs `act`.
    ///
    /// # Errors
    /// When the process can't be forked.
    pub fn spawn(&mut self, name: &str, act: impl FnOnce() -> Result<Moved>) -> Result<()> {
        self.fork(name, Exit::Itself, || Ok((vec![row(name, act()?)], None)))
    }

    /// Like [`Self::spawn`], but the process is killed with SIGKILL after it has reported, with
    /// everything still open that `act` leaked.
    ///
    /// # Errors
    /// When the process can't be forked.
    pub fn spawn_killed(&mut self, name: &str, act: impl FnOnce() -> Result<Moved>) -> Result<()> {
        self.fork(name, Exit::Killed, || Ok((vec![row(name, act()?)], None)))
    }

    /// Like [`Self::spawn`], but the process then executes the program that `act` returns, whose bytes
    /// the report already contains.
    ///
    /// # Errors
    /// When the process can't be forked.
    pub fn spawn_exec(
        &mut self,
        name: &str,
        act: impl FnOnce() -> Result<(Moved, Command)>,
    ) -> Result<()> {
        self.fork(name, Exit::Exec, || {
            let (moved, program) = act()?;
            Ok((vec![row(name, moved)], Some(program)))
        })
    }

    /// Like [`Self::spawn`], for an act that reports the rows of processes that it has started itself.
    ///
    /// # Errors
    /// When the process can't be forked.
    pub fn spawn_parent(
        &mut self,
        name: &str,
        act: impl FnOnce() -> Result<Vec<ProcessBytes>>,
    ) -> Result<()> {
        self.fork(name, Exit::Itself, || Ok((act()?, None)))
    }

    /// Like [`Self::spawn`], but `act` runs in a thread that outlives the leader of the process.
    ///
    /// # Errors
    /// When the process can't be forked.
    pub fn spawn_leaderless(
        &mut self,
        name: &str,
        act: impl FnOnce() -> Result<Moved> + Send + 'static,
    ) -> Result<()> {
        let own_name = name.to_owned();
        self.enter(name, Exit::Itself, |sink| {
            let prepared = prepare(name);
            std::thread::spawn(move || {
                worker::run(Exit::Itself, sink, move || {
                    prepared?;
                    worker::outlive_leader()?;
                    Ok((vec![row(&own_name, act()?)], None))
                })
            });
            calls::exit_thread()
        })
    }

    fn fork(
        &mut self,
        name: &str,
        exit: Exit,
        act: impl FnOnce() -> Result<(Vec<ProcessBytes>, Rest)>,
    ) -> Result<()> {
        self.enter(name, exit, |sink| {
            worker::run(exit, sink, || prepare(name).and_then(|()| act()))
        })
    }

    fn enter(&mut self, name: &str, exit: Exit, child: impl FnOnce(PipeWriter)) -> Result<()> {
        let (report, sink) = std::io::pipe().context("no pipe for a worker")?;
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
                self.workers.push(Worker::new(pid, name, report, exit));
                Ok(())
            }
        }
    }

    /// Waits until `workers` processes have reached `barrier`, then until the tracer runs, and releases
    /// them.
    ///
    /// # Errors
    /// When a worker does not arrive, or the gate never opens.
    pub fn release(&mut self, barrier: &Barrier, workers: u32) -> Result<()> {
        for _ in 0..workers {
            self.await_ready(barrier)?;
        }
        if self.gate == Gate::Stdio {
            print_line(READY)?;
            let read = std::io::stdin().read_line(&mut String::new())?;
            ensure!(read > 0, "stdin ended before the tracer ran");
        }
        barrier.release(workers)
    }

    /// Waits for one more worker at the barrier; one that ends instead has failed.
    fn await_ready(&mut self, barrier: &Barrier) -> Result<()> {
        let deadline = Deadline::after(self.patience);
        let reports = self.workers.iter().map(AsFd::as_fd);
        let watched = std::iter::once(barrier.as_fd()).chain(reports);
        let mut fds: Vec<_> = watched
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        poll(&mut fds, deadline.poll_timeout())?;
        let is_ready: Vec<bool> = fds.iter().map(|fd| fd.any() == Some(true)).collect();
        match is_ready.iter().position(|ready| *ready) {
            None => bail!("a worker never reached the barrier"),
            Some(0) => barrier.await_arrival(),
            Some(worker) => {
                let ended = self.workers.get_mut(worker - 1).context("no such worker")?;
                bail!("ended before the barrier: {:?}", ended.report(deadline)?)
            }
        }
    }

    /// Waits for every worker and returns what each moved.
    ///
    /// # Errors
    /// When a worker failed or did not end in time.
    pub fn finish(mut self) -> Result<Vec<ProcessBytes>> {
        let deadline = Deadline::after(self.patience);
        let mut rows = Vec::new();
        // The others may wait for what the end of a killed process releases.
        self.workers
            .sort_by_key(|worker| worker.exit == Exit::Itself);
        for worker in &mut self.workers {
            rows.append(&mut worker.report(deadline)?);
            if worker.exit == Exit::Killed {
                worker.kill();
            }
        }
        let mut programs = self
            .workers
            .iter()
            .filter(|worker| worker.exit == Exit::Exec);
        programs.try_for_each(Worker::await_success)?;
        Ok(rows)
    }
}

impl Drop for Workload {
    fn drop(&mut self) {
        self.workers.iter().for_each(Worker::kill);
        self.workers.iter().for_each(Worker::reap);
    }
}
