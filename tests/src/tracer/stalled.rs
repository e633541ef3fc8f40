//! The tracer behind a full pipe that nothing is read from.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::sys::calls;
use crate::sys::deadline::Deadline;

/// One page, the smallest pipe that there is.
const PIPE_BYTES: i32 = 4_096;

/// Longest time in which a command must begin: the kernel checks its programs meanwhile.
const PATIENCE_SECS: u64 = 60;

/// A command that prints nothing before its end has begun this long after it took over SIGTERM.
const SILENT: Duration = Duration::from_secs(2);

/// How long a command may go on before a test gives up and kills it.
const GIVE_UP_SECS: u64 = 3;

/// Time in which some megabytes that waited are read.
const CATCH_UP: Duration = Duration::from_secs(2);

/// A tracer whose stdout is a full pipe. Killed with this value.
#[derive(Debug)]
pub struct Stalled {
    child: Child,
    reader: Option<PipeReader>,
}

/// How a stalled command ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Time from the signal, or from when the reader closed the pipe.
    pub took: Duration,
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote to stderr.
    pub log: String,
}

impl Stalled {
    /// Starts `command`, waits until it has begun, and fills its pipe to the last byte.
    ///
    /// # Errors
    /// When it ends instead; the error has its log.
    pub fn start(command: &mut Command) -> Result<Self> {
        let (reader, writer) = std::io::pipe()?;
        calls::set_pipe_size(&writer, PIPE_BYTES)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(Stdio::piped())
            .spawn()
            .context("the command can't run")?;
        // `command` keeps a writing end otherwise.
        command.stdout(Stdio::null());
        let mut stalled = Self {
            child,
            reader: Some(reader),
        };
        stalled.await_begin(&writer)?;
        fill(&writer)?;
        Ok(stalled)
    }

    fn await_begin(&mut self, pipe: &PipeWriter) -> Result<()> {
        let deadline = Deadline::seconds(PATIENCE_SECS);
        let mut silent: Option<Deadline> = None;
        while calls::bytes_waiting(pipe)? == 0 && !silent.is_some_and(Deadline::passed) {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended, {status}: {}", self.log()?);
            }
            if silent.is_none() && self.catches_sigterm()? {
                silent = Some(Deadline::after(SILENT));
            }
            ensure!(!deadline.passed(), "it does not begin");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn catches_sigterm(&self) -> Result<bool> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.context("no SigCgt")?.trim(), 16)?;
        Ok(caught >> (Signal::SIGTERM as u32 - 1) & 1 == 1)
    }

    /// Sends a signal and waits for the end.
    ///
    /// # Errors
    /// When it has ended before, or does not end.
    pub fn end_by(mut self, signal: Signal) -> Result<Ended> {
        self.ensure_running()?;
        let since = Deadline::seconds(GIVE_UP_SECS);
        kill(Pid::from_raw(i32::try_from(self.child.id())?), signal)?;
        self.await_end(since)
    }

    /// Closes the pipe at the side of the reader and waits for the end.
    ///
    /// # Errors
    /// When it has ended before, or does not end.
    pub fn end_by_close(mut self) -> Result<Ended> {
        self.ensure_running()?;
        let since = Deadline::seconds(GIVE_UP_SECS);
        self.reader = None;
        self.await_end(since)
    }

    /// Reads from now on, and ends it once that has caught up: everything that was and will be printed, without what
    /// filled the pipe.
    ///
    /// # Errors
    /// When it has ended before.
    pub fn resume(mut self, signal: Signal) -> Result<(Vec<u8>, Ended)> {
        self.ensure_running()?;
        let mut reader = self.reader.take().context("the pipe is closed")?;
        let reading = thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all)
        });
        thread::sleep(CATCH_UP);
        let ended = self.end_by(signal)?;
        let mut all = reading.join().ok().context("the reader panicked")??;
        all.retain(|&byte| byte != FILLER);
        Ok((all, ended))
    }

    fn ensure_running(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("it ended before, {status}: {}", self.log()?);
        }
        Ok(())
    }

    fn await_end(&mut self, since: Deadline) -> Result<Ended> {
        let process = calls::process(self.child.id())?;
        let mut fds = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
        let ended = poll(&mut fds, since.poll_timeout())?;
        let took = since.elapsed();
        if ended == 0 {
            self.child.kill()?;
        }
        let status = self.child.wait()?;
        ensure!(
            status.signal() != Some(Signal::SIGKILL as i32),
            "it did not end in {took:?} and was killed"
        );
        let log = self.log()?;
        Ok(Ended { took, status, log })
    }

    fn log(&mut self) -> Result<String> {
        let mut log = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut log)?;
        }
        Ok(log)
    }
}

impl Drop for Stalled {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What fills the pipe; no output has it.
const FILLER: u8 = 0;

/// Fills what room is left in a pipe, by a file of its own: only that does not block.
fn fill(pipe: &PipeWriter) -> Result<()> {
    let mut pipe = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(format!("/proc/self/fd/{}", pipe.as_raw_fd()))?;
    loop {
        match pipe.write(&[FILLER]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
