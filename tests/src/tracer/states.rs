//! Snapshots of `states`, their rows and findings.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::sys::deadline::Deadline;
use crate::tracer::Tracer;
use crate::tracer::command::{run, text};
use crate::tracer::ndjson;

/// The snapshots of `netperf-trace states ARGS`.
///
/// # Errors
/// When it fails.
pub fn snapshots(args: &[&str]) -> Result<Vec<Value>> {
    let output = run([&["states", "--json"], args].concat())?;
    ensure!(output.status.success(), "{}", text(&output.stderr)?);
    let lines = ndjson::lines(&output.stdout)?;
    let (start, end) = (lines.first().context("no start")?, lines.last());
    ensure!(start["command"] == "states", "{start}");
    ensure!(end.is_some_and(|end| end["type"] == "end"), "{end:?}");
    Ok(lines
        .into_iter()
        .filter(|it| it["type"] == "states")
        .collect())
}

/// One snapshot of the network namespace of this thread.
///
/// # Errors
/// When it fails.
pub fn snapshot(args: &[&str]) -> Result<Value> {
    let all = snapshots(&[&["--netns", "self"], args].concat())?;
    all.into_iter().next().context("no snapshot")
}

/// Takes snapshots until one is as wanted: packets may be on their way.
///
/// # Errors
/// When none is.
pub fn snapshot_until(args: &[&str], wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let deadline = Deadline::seconds(20);
    loop {
        let snapshot = snapshot(args)?;
        if wanted(&snapshot) {
            return Ok(snapshot);
        }
        ensure!(!deadline.passed(), "no snapshot is as wanted: {snapshot:#}");
    }
}

/// Takes snapshots before `act`, and as many after it as must include its effect.
///
/// # Errors
/// When it fails, or `act` does.
pub fn snapshots_around(act: impl FnOnce() -> Result<()>) -> Result<Vec<Value>> {
    let mut tracer = Tracer::start(&["states", "--json", "--netns", "self", "-d", "0.5"])?;
    tracer.await_tick()?;
    act()?;
    for _ in 0..3 {
        tracer.await_tick()?;
    }
    Ok(tracer.stop()?.ticks)
}

/// The row of a list in which field `name` has this value.
///
/// # Errors
/// When there is none.
pub fn row<'l>(
    snapshot: &'l Value,
    list: &str,
    name: &str,
    value: impl Into<Value>,
) -> Result<&'l Value> {
    let value = value.into();
    let rows = snapshot[list]
        .as_array()
        .with_context(|| format!("no `{list}`"))?;
    let found = rows.iter().find(|row| row[name] == value);
    found.with_context(|| format!("no {name} = {value} in {}", snapshot[list]))
}

/// The finding that contains `words`.
///
/// # Errors
/// When there is none.
pub fn finding<'l>(snapshot: &'l Value, words: &str) -> Result<&'l Value> {
    let findings = snapshot["findings"].as_array().context("no findings")?;
    let matches = |it: &&Value| it["what"].as_str().is_some_and(|what| what.contains(words));
    let found = findings.iter().find(matches);
    found.with_context(|| format!("no finding has `{words}`: {findings:#?}"))
}

/// Fails unless this field has this value.
///
/// # Errors
/// When it has another value.
pub fn ensure_field(row: &Value, name: &str, expected: impl Into<Value>) -> Result<()> {
    let expected = expected.into();
    ensure!(row[name] == expected, "`{name}` is not {expected}: {row}");
    Ok(())
}
