//! What do the programs say that this one is held against, where they are installed?

use std::io::Write;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::tracer::command::{run_as, text};

/// What `program` prints; `None`, and said so, where this machine lacks it. `command` may run it
/// elsewhere, by another program.
///
/// # Errors
/// When it fails.
pub fn printed(program: &str, command: &mut Command) -> Result<Option<String>> {
    if let Err(error) = Command::new(program).arg("-V").output() {
        // Not caught by the test runner: who reads its output is to know.
        writeln!(
            std::io::stderr(),
            "skipped: the comparison with {program}: {error}"
        )?;
        return Ok(None);
    }
    let output = run_as(command)?;
    ensure!(output.status.success(), "{program}: {output:?}");
    Ok(Some(text(&output.stdout)?.to_owned()))
}
