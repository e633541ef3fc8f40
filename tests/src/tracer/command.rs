//! Runs a command to its end, within a deadline.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};

use crate::tracer::{self, ndjson};

/// Exit status of `timeout` when it had to end the program.
const TIMED_OUT: i32 = 124;

/// Runs `netperf-trace ARGS` to its end, which must come within 20 s.
///
/// # Errors
/// When it can't run, does not end in time, or prints JSON that does not fit its schema.
pub fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Result<Output> {
    run_as(
        Command::new("timeout")
            .arg("20")
            .arg(tracer::binary()?)
            .args(args),
    )
}

/// Runs a command that has a deadline of its own.
///
/// # Errors
/// When it can't run, its deadline has ended it, or it prints JSON that does not fit its schema.
pub fn run_as(command: &mut Command) -> Result<Output> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("the command can't run")?;
    ensure!(
        output.status.code() != Some(TIMED_OUT),
        "no end: {command:?}"
    );
    ndjson::check_session(&output.stdout)?;
    Ok(output)
}

/// Output as text.
///
/// # Errors
/// When it is not UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).context("the output is not UTF-8")
}
