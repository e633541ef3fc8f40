//! How does a command line end that needs no company? Its output and exit status, within a deadline.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};

use crate::tracer::{self, ndjson};

/// Exit status of `timeout` when it had to end the program.
const TIMED_OUT: i32 = 124;

/// Runs `netperf-trace ARGS` to its end, which must come within 20 s.
///
/// # Errors
/// When it can't run, or does not end.
pub fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Result<Output> {
    run_as(
        Command::new("timeout")
            .arg("20")
            .arg(tracer::binary()?)
            .args(args),
    )
}

/// Runs a command of any form that keeps a deadline of its own.
///
/// # Errors
/// When it can't run, or its deadline ended it.
pub fn run_as(command: &mut Command) -> Result<Output> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("the command can't run")?;
    ensure!(
        output.status.code() != Some(TIMED_OUT),
        "it never ended: {command:?}"
    );
    ndjson::check_session(&output.stdout)?;
    Ok(output)
}

/// What a program wrote, as text.
///
/// # Errors
/// When it is no UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).context("output that is no UTF-8")
}
