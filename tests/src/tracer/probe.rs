//! What did a command say that asks the network once?

use std::process::Output;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::tracer::command::text;
use crate::tracer::ndjson;

/// The one tick of a session in JSON, and the exit status.
///
/// # Errors
/// When it is no such session.
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

/// Whether there is a finding of this level that says this.
///
/// # Errors
/// When there is none.
pub fn has_finding(tick: &Value, level: &str, part: &str) -> Result<()> {
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

/// Whether what was said can't steer a terminal, though it holds `part` of what would.
///
/// # Errors
/// When it can.
pub fn is_harmless(said: &str, part: &str) -> Result<()> {
    ensure!(said.contains(part), "no {part} in {said:?}");
    let obeyed = said.chars().find(|&c| c.is_control() && c != '\n');
    ensure!(obeyed.is_none(), "{obeyed:?} in {said:?}");
    Ok(())
}
