//! The tracer in a [`Sandbox`]: exact counts, missing rights, and what `doctor --kernel` reports.

use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::load::mover::Mover;
use crate::tracer::command::{run_as, text};
use crate::tracer::exact::check;
use crate::tracer::ndjson;
use crate::tracer::sandbox::{Sandbox, interrupt};
use crate::tracer::{self, Session, Tracer};

/// Arguments of a mover that runs paths over TCP, by splice, over UDP and MPTCP.
pub const PATHS: [&str; 5] = [
    "run",
    "tcp_write",
    "tcp_splice_both",
    "udp_send",
    "mptcp_write",
];

/// The capabilities with which a tracer sees everything.
pub const RIGHTS: [&str; 4] = ["bpf", "perfmon", "net_admin", "sys_ptrace"];

/// Starts `top` in `sandbox`.
///
/// # Errors
/// When it does not start; the error has its log.
pub fn start_in(sandbox: &Sandbox, program: &Path) -> Result<Tracer> {
    Tracer::start_as(
        sandbox
            .command(program)
            .args(["top", "--json", "-d", "0.2"]),
    )
}

/// Ends a tracer in any sandbox and returns its session.
///
/// # Errors
/// When it does not end well.
pub fn stop(tracer: Tracer) -> Result<Session> {
    interrupt(&tracer)?;
    tracer.finish()
}

/// Ensures that a tracer in `sandbox` counts every byte moved outside, and returns its session.
///
/// # Errors
/// When a byte is missing.
pub fn exact_in(sandbox: &Sandbox) -> Result<Session> {
    exact_with(sandbox, &tracer::binary()?)
}

/// Like [`exact_in`], with the tracer at `program`.
///
/// # Errors
/// When a byte is missing.
pub fn exact_with(sandbox: &Sandbox, program: &Path) -> Result<Session> {
    let tracer = start_in(sandbox, program)?;
    let results = Mover::start(PATHS)?.finish()?;
    let session = stop(tracer)?;
    check(&session, &results)?;
    Ok(session)
}

/// The error of `top` in `sandbox`, where it lacks a right.
///
/// # Errors
/// When its exit status is not 3.
pub fn not_allowed_in(sandbox: &Sandbox) -> Result<String> {
    not_allowed(sandbox, &["top", "--json", "-n", "1"])
}

/// The same for any command.
///
/// # Errors
/// When its exit status is not 3.
pub fn not_allowed(sandbox: &Sandbox, args: &[&str]) -> Result<String> {
    let output = run_as(sandbox.command(&tracer::binary()?).args(args))?;
    let message = text(&output.stderr)?;
    ensure!(
        output.status.code() == Some(3),
        "{}: {message}",
        output.status
    );
    Ok(message.to_owned())
}

/// The checks of `doctor --kernel` in `sandbox`.
///
/// # Errors
/// When it prints no report.
pub fn doctor_in(sandbox: &Sandbox, program: &Path) -> Result<Vec<Value>> {
    report(&run_as(
        sandbox
            .command(program)
            .args(["doctor", "--kernel", "--json"]),
    )?)
}

/// The checks in the output of `doctor --kernel --json`.
///
/// # Errors
/// When there are none.
pub fn report(output: &Output) -> Result<Vec<Value>> {
    let lines = ndjson::lines(&output.stdout)?;
    let report = lines.iter().find(|line| line["type"] == "preflight");
    let report = report
        .with_context(|| format!("no report: {}", String::from_utf8_lossy(&output.stderr)))?;
    let checks = report["checks"].as_array().context("no checks")?;
    Ok(checks.clone())
}

/// The verdict of the check `name`, and the reason.
///
/// # Errors
/// When there is no such check.
pub fn finding(checks: &[Value], name: &str) -> Result<(String, String)> {
    let check = checks.iter().find(|check| check["name"] == name);
    let check = check.with_context(|| format!("no check {name}"))?;
    Ok((tracer::text(check, "verdict")?, tracer::text(check, "why")?))
}

/// Whether a session declares `what` as unavailable.
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
