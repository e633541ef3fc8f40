//! How does the tracer do in the surroundings of a [`Place`]?

use std::path::Path;
use std::process::Output;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::batch::{run_as, text};
use crate::expect::check;
use crate::mover::Mover;
use crate::place::{Place, interrupt};
use crate::tracer::{self, Session, Tracer};

/// Paths of every kind: by processes that live for a moment, over TCP, by splice, UDP and MPTCP.
pub const PATHS: [&str; 5] = [
    "run",
    "tcp_write",
    "tcp_splice_both",
    "udp_send",
    "mptcp_write",
];

/// What a tracer needs to count with all details.
pub const RIGHTS: [&str; 4] = ["bpf", "perfmon", "net_admin", "sys_ptrace"];

/// Loss is counted for the whole machine: one test at a time, so that it can be told whose it is.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Waits until no other test of this program runs a tracer.
pub fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts `top` in `place`.
///
/// # Errors
/// When it does not start; the error has its log.
pub fn start_in(place: &Place, program: &Path) -> Result<Tracer> {
    Tracer::start_as(place.command(program).args(["top", "--json", "-d", "0.2"]))
}

/// Ends a tracer of any place and gives all that it said.
///
/// # Errors
/// When it does not end well.
pub fn stop(tracer: Tracer) -> Result<Session> {
    interrupt(&tracer)?;
    tracer.finish()
}

/// A tracer in `place` counts every byte that is moved outside; gives its session.
///
/// # Errors
/// When a byte is missing.
pub fn exact_in(place: &Place) -> Result<Session> {
    exact_with(place, &tracer::binary()?)
}

/// Like [`exact_in`], with the tracer at `program`.
///
/// # Errors
/// When a byte is missing.
pub fn exact_with(place: &Place, program: &Path) -> Result<Session> {
    let tracer = start_in(place, program)?;
    let played = Mover::start(PATHS)?.finish()?;
    let session = stop(tracer)?;
    check(&session, &played)?;
    Ok(session)
}

/// What `top` says in `place`, where it lacks a right.
///
/// # Errors
/// When it ends otherwise than with exit status 3.
pub fn not_allowed_in(place: &Place) -> Result<String> {
    not_allowed(place, &["top", "--json", "-n", "1"])
}

/// The same of any command.
///
/// # Errors
/// When it ends otherwise than with exit status 3.
pub fn not_allowed(place: &Place, args: &[&str]) -> Result<String> {
    let output = run_as(place.command(&tracer::binary()?).args(args))?;
    let message = text(&output.stderr)?;
    ensure!(
        output.status.code() == Some(3),
        "{}: {message}",
        output.status
    );
    Ok(message.to_owned())
}

/// What `doctor` finds in `place`: the findings.
///
/// # Errors
/// When it says nothing.
pub fn doctor_in(place: &Place, program: &Path) -> Result<Vec<Value>> {
    report(&run_as(
        place
            .command(program)
            .args(["doctor", "--kernel", "--json"]),
    )?)
}

/// The findings in what `doctor --kernel --json` wrote.
///
/// # Errors
/// When there are none.
pub fn report(output: &Output) -> Result<Vec<Value>> {
    let lines: Vec<Value> = text(&output.stdout)?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let report = lines.iter().find(|line| line["type"] == "preflight");
    let report = report
        .with_context(|| format!("no report: {}", String::from_utf8_lossy(&output.stderr)))?;
    let checks = report["checks"].as_array().context("no checks")?;
    Ok(checks.clone())
}

/// The verdict on `name` and the reason.
///
/// # Errors
/// When nothing is said about it.
pub fn finding(checks: &[Value], name: &str) -> Result<(String, String)> {
    let check = checks.iter().find(|check| check["name"] == name);
    let check = check.with_context(|| format!("nothing about {name}"))?;
    Ok((tracer::text(check, "verdict")?, tracer::text(check, "why")?))
}

/// Whether a session says that it can't see `what`.
pub fn cannot_see(session: &Session, what: &str) -> bool {
    let missing = session.start["unavailable"].as_array();
    missing.is_some_and(|missing| {
        missing
            .iter()
            .any(|one| one["what"].as_str().is_some_and(|text| text.contains(what)))
    })
}

/// Rows of one process in a session of `top`, by its pid.
///
/// # Errors
/// When there is none.
pub fn rows(session: &Session, pid: u32) -> Result<Vec<&Value>> {
    let rows: Vec<_> = session
        .ticks
        .iter()
        .filter_map(|tick| tick["processes"].as_array())
        .flatten()
        .filter(|row| row["pid"] == pid)
        .collect();
    ensure!(!rows.is_empty(), "no process {pid}");
    Ok(rows)
}
