//! Lines on stdout, flushed at once: a test or `cargo xtask bench` waits for each.

use std::io::Write;

use anyhow::{Context, Result};

/// Line that a process prints when it is set up and waits.
pub(crate) const READY: &str = "{\"type\":\"ready\"}";

/// Prints `line`.
pub(crate) fn print_line(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush().context("stdout is closed")
}
