//! Reference programs, such as dig, ping and mtr, whose figures the tests compare with the tracer's.

use std::io::Write;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::tracer::command::{run_as, text};

/// What `program` prints; `None`, with a note on stderr, if it is not installed. `command` may run it
/// through another program.
///
/// # Errors
/// When it fails.
pub fn printed(program: &str, command: &mut Command) -> Result<Option<String>> {
    if let Err(error) = Command::new(program).arg("-V").output() {
        // Not captured by the test runner: a skipped comparison must be visible.
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
