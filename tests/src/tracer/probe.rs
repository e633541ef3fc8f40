//! The output of commands that probe the network once: `dns`, `http`, `path`.

use std::process::Output;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::tracer::command::text;
use crate::tracer::ndjson;

/// The one tick of a session in JSON, and the exit status.
///
/// # Errors
/// When there is not exactly one.
pub fn tick(output: &Output, command: &str) -> Result<(Value, Option<i32>)> {
    let lines = ndjson::lines(&output.stdout)?;
    let [start, tick, end] = lines.as_slice() else {
        bail!("{lines:#?}{}", text(&output.stderr)?);
    };
    ensure!(start["type"] == "start", "{start}");
    ensure!(start["command"] == command, "{start}");
    ensure!(end["type"] == "end" && end["ticks"] == 1, "{end}");
    Ok((tick.clone(), output.status.code()))
}

/// Fails unless a finding of this level contains `part`.
///
/// # Errors
/// When there is none.
pub fn ensure_finding(tick: &Value, level: &str, part: &str) -> Result<()> {
    let findings = tick["findings"].as_array().context("no findings")?;
    let fits = |finding: &Value| {
        finding["level"] == level && finding["what"].as_str().is_some_and(|it| it.contains(part))
    };
    ensure!(
        findings.iter().any(fits),
        "no {level} `{part}`: {findings:#?}"
    );
    Ok(())
}

/// Fails if an output contains control characters, or lacks the harmless `part` of hostile text.
///
/// # Errors
/// What is wrong.
pub fn ensure_harmless(output: &str, part: &str) -> Result<()> {
    ensure!(output.contains(part), "no {part} in {output:?}");
    let control = output.chars().find(|&c| c.is_control() && c != '\n');
    ensure!(control.is_none(), "{control:?} in {output:?}");
    Ok(())
}
