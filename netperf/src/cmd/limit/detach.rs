//! `limit --detach`: a supervisor, which is this program in a session of its own, holds the limit after
//! the command has returned. It reports when the limit holds.

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd as _;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};

use anyhow::Context;
use netperf_core::clock;
use netperf_sys::procfs::OWN_EXECUTABLE;
use rustix::process::setsid;
use rustix::stdio::{dup2_stderr, dup2_stdout};
use rustix::thread::set_name;
use serde::{Deserialize, Serialize};

use super::child::OWN_NAME;
use super::print;
use crate::exit::PassedOn;
use crate::render::limit::Ordered;
use crate::render::output::Format;
use crate::view::time::Rfc3339;

/// Environment variable that marks a supervisor.
const VARIABLE: &str = "NETPERF_TRACE_SUPERVISOR";

/// The report of a supervisor: its limit holds.
#[derive(Debug, Serialize, Deserialize)]
struct Holds {
    id: u8,
    text: String,
}

/// Whether this process is the supervisor.
pub(super) fn is_supervisor() -> bool {
    env::var_os(VARIABLE).is_some()
}

/// Starts the supervisor with the same arguments, and waits until its limit holds or fails.
pub(super) fn detach(format: Format) -> anyhow::Result<()> {
    let mut command = Command::new(OWN_EXECUTABLE);
    command.arg0("netperf-trace").args(env::args_os().skip(1));
    command.env(VARIABLE, "1").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().context("can't start the supervisor")?;
    let stdout = child.stdout.take().context("its output is a pipe")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let Ok(Holds { id, text }) = serde_json::from_str(&line) else {
        // It has said why on stderr, which is ours.
        let status = child.wait()?;
        let code = status.code().or(status.signal().map(|signal| 128 + signal));
        let code = code.and_then(|code| u8::try_from(code).ok());
        return Err(PassedOn(code.filter(|&code| code > 0).unwrap_or(1)).into());
    };
    let ordered = Ordered {
        time: Rfc3339(clock::now().1),
        done: "detach",
        ids: vec![id],
        text: format!("{text}\nnetperf-trace limit clear --id {id} ends it"),
    };
    print(format, &ordered, None)
}

/// Leaves the session of the process that started it.
pub(super) fn begin() -> anyhow::Result<()> {
    setsid().context("can't leave the session")?;
    set_name(OWN_NAME)?;
    Ok(())
}

/// Waits for the end of a limit's holder, then cleans up. Standard input is a pipe from the holder,
/// standard output the network namespace of the processes.
pub(super) fn clean_up_after(id: u8) -> anyhow::Result<()> {
    set_name(OWN_NAME)?;
    let target_netns = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    netperf_throttle::clean_up_after(id, io::stdin().lock(), &target_netns)
        .with_context(|| format!("what limit {id} has left can't be removed"))
}

/// Reports that the limit holds, then closes the output.
pub(super) fn holds(id: u8, text: String) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(&Holds { id, text })?;
    line.push(b'\n');
    io::stdout()
        .write_all(&line)
        .context("the command that waits for this limit has ended")?;
    let nowhere = File::options().write(true).open("/dev/null")?;
    dup2_stdout(&nowhere)?;
    dup2_stderr(&nowhere)?;
    Ok(())
}
