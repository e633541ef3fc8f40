//! Starts a command under a limit: a copy of this program stops itself, and becomes the command once
//! the limit holds.

use std::ffi::{CStr, OsString};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command};

use anyhow::Context;
use netperf_sys::procfs::OWN_EXECUTABLE;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, set_parent_process_death_signal,
    waitid,
};

use rustix::thread::set_name;

use crate::exit::PassedOn;

/// Name of this program in process lists.
pub(super) const OWN_NAME: &CStr = c"netperf-trace";

/// Exit status that shells use for a command that is not found.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// A command that waits for its limit.
#[derive(Debug)]
pub(super) struct Gated {
    child: Child,
    /// Name of the command. Untrusted text.
    pub(super) name: String,
    is_open: bool,
}

impl Gated {
    /// Starts the copy, and waits until it has stopped itself.
    pub(super) fn start(words: &[OsString]) -> anyhow::Result<Self> {
        let mut command = Command::new(OWN_EXECUTABLE);
        command.arg0("netperf-trace");
        command.args(["limit", "--gate", "--"]).args(words);
        let child = command.spawn().context("can't start another process")?;
        let first = words.first().map(|word| word.to_string_lossy());
        let name = first.unwrap_or_default();
        let gated = Self {
            name: name.rsplit('/').next().unwrap_or_default().to_owned(),
            child,
            is_open: false,
        };
        // Whether it ended is left for `Child` to find out.
        let what = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(gated.pid()?), what)?;
        if !status.is_some_and(|status| status.stopped()) {
            anyhow::bail!("the process that was to become `{}` ended", gated.name);
        }
        Ok(gated)
    }

    /// Process id of the command.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets the command start.
    pub(super) fn open(&mut self) -> anyhow::Result<()> {
        self.is_open = true;
        self.signal(Signal::CONT)
    }

    /// Sends the command a signal; no error if it has ended.
    pub(super) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        // Not waited for, so the number is still its.
        kill_process(self.pid()?, signal).context("can't send the command a signal")
    }

    /// How the command ended; `None` while it runs.
    pub(super) fn ended(&mut self) -> io::Result<Option<PassedOn>> {
        let status = self.child.try_wait()?;
        Ok(status.map(|status| {
            let signal = status.signal().map(|signal| 128 + signal);
            let code = status.code().or(signal).unwrap_or(1);
            PassedOn(u8::try_from(code).unwrap_or(1))
        }))
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        let raw = i32::try_from(self.child.id())?;
        Pid::from_raw(raw).context("a process has a number")
    }
}

impl Drop for Gated {
    fn drop(&mut self) {
        if !self.is_open {
            // It has done nothing yet.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Stops, and becomes the command when continued.
pub(super) fn wait_and_become(words: &[OsString]) -> anyhow::Result<()> {
    let (program, arguments) = words.split_first().context("no command")?;
    // It was started by a link whose name is `exe`.
    set_name(OWN_NAME)?;
    // If its holder is killed, nothing would continue it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    kill_process(getpid(), Signal::STOP)?;
    set_parent_process_death_signal(None)?;
    let error = Command::new(program).args(arguments).exec();
    let status = if error.kind() == io::ErrorKind::NotFound {
        NOT_FOUND
    } else {
        NOT_EXECUTABLE
    };
    let name = program.to_string_lossy();
    super::super::report(&anyhow::Error::new(error).context(format!("can't run `{name}`")));
    Err(PassedOn(status).into())
}
