//! What does `states` say?

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::sys::deadline::Deadline;
use crate::tracer::Tracer;
use crate::tracer::command::{run, text};
use crate::tracer::ndjson;

/// The looks of `netperf-trace states ARGS`.
///
/// # Errors
/// When it fails.
pub fn looks(args: &[&str]) -> Result<Vec<Value>> {
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

/// One look at the namespace of this thread.
///
/// # Errors
/// When it fails.
pub fn look(args: &[&str]) -> Result<Value> {
    let looks = looks(&[&["--netns", "self"], args].concat())?;
    looks.into_iter().next().context("no look")
}

/// Looks until it is as wanted: packets may be under way.
///
/// # Errors
/// When it never is.
pub fn look_until(args: &[&str], wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let deadline = Deadline::seconds(20);
    loop {
        let look = look(args)?;
        if wanted(&look) {
            return Ok(look);
        }
        ensure!(!deadline.passed(), "it never came to that: {look:#}");
    }
}

/// Looks before and after `act`, until it can't have been missed.
///
/// # Errors
/// When it fails, or `act` does.
pub fn looks_around(act: impl FnOnce() -> Result<()>) -> Result<Vec<Value>> {
    let mut tracer = Tracer::start(&["states", "--json", "--netns", "self", "-d", "0.5"])?;
    tracer.await_tick()?;
    act()?;
    for _ in 0..3 {
        tracer.await_tick()?;
    }
    Ok(tracer.stop()?.ticks)
}

/// The row of a list with this value.
///
/// # Errors
/// When there is none.
pub fn row<'l>(
    look: &'l Value,
    list: &str,
    name: &str,
    value: impl Into<Value>,
) -> Result<&'l Value> {
    let value = value.into();
    let rows = look[list]
        .as_array()
        .with_context(|| format!("no `{list}`"))?;
    let found = rows.iter().find(|row| row[name] == value);
    found.with_context(|| format!("no {name} = {value} in {}", look[list]))
}

/// The finding that says so.
///
/// # Errors
/// When there is none.
pub fn finding<'l>(look: &'l Value, words: &str) -> Result<&'l Value> {
    let findings = look["findings"].as_array().context("no findings")?;
    let says = |it: &&Value| it["what"].as_str().is_some_and(|what| what.contains(words));
    let found = findings.iter().find(says);
    found.with_context(|| format!("nothing says `{words}`: {findings:#?}"))
}

/// This field has this value.
///
/// # Errors
/// When it has another.
pub fn ensure_field(row: &Value, name: &str, expected: impl Into<Value>) -> Result<()> {
    let expected = expected.into();
    ensure!(row[name] == expected, "`{name}` is not {expected}: {row}");
    Ok(())
}
