//! Lists of sockets: of the tracer and of `ss`, in one form to compare them.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::tracer::command::{run_as, text};
use crate::tracer::ndjson;
use crate::tracer::{self, integer};

/// One socket, in the notation of docs/json.md, from either list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketRow {
    /// State; empty where `ss` leaves it out.
    pub state: String,
    /// Bytes received and not read, or connections not accepted yet.
    pub recv_q: u64,
    /// Bytes not acknowledged, or the backlog limit.
    pub send_q: u64,
    /// Local address and port.
    pub local: String,
    /// Remote address and port.
    pub remote: String,
    /// Process and file descriptor of each owner, in order.
    pub owners: Vec<(u64, u64)>,
}

/// The tick of `netperf-trace sockets ARGS` in the network namespace of this thread.
///
/// # Errors
/// When it fails; the error has its message.
pub fn tick(args: &[&str]) -> Result<Value> {
    let mut command = Command::new(tracer::binary()?);
    tick_of(
        command
            .arg("sockets")
            .args(["--json", "--netns", "self"])
            .args(args),
    )
}

/// The tick of a command that executes `netperf-trace sockets`.
///
/// # Errors
/// When it fails; the error has its message.
pub fn tick_of(command: &mut Command) -> Result<Value> {
    let output = run_as(command)?;
    let message = text(&output.stderr)?;
    ensure!(
        output.status.success(),
        "{command:?}: {}, {message}",
        output.status
    );
    let ticks = ndjson::lines(&output.stdout)?;
    let tick = ticks.into_iter().find(|line| line["type"] == "sockets");
    tick.context("no tick")
}

/// The rows of a tick, in order.
///
/// # Errors
/// When one of them lacks a field.
pub fn rows(tick: &Value) -> Result<Vec<SocketRow>> {
    let rows = tick["sockets"].as_array().context("no sockets")?;
    let mut rows: Vec<_> = rows.iter().map(row).collect::<Result<_>>()?;
    rows.sort();
    Ok(rows)
}

fn row(row: &Value) -> Result<SocketRow> {
    let owners = row["owners"].as_array().context("no owners")?;
    let owner = |owner| Ok((integer(owner, "pid")?, integer(owner, "fd")?));
    let mut owners: Vec<_> = owners.iter().map(owner).collect::<Result<_>>()?;
    owners.sort_unstable();
    Ok(SocketRow {
        state: tracer::text(row, "state")?,
        recv_q: integer(row, "recv_q")?,
        send_q: integer(row, "send_q")?,
        local: tracer::text(row, "local")?,
        remote: tracer::text(row, "remote")?,
        owners,
    })
}

/// The list of `ss ARGS` in the network namespace of this thread, in order. The arguments must include `-H`
/// and `-n`.
///
/// # Errors
/// When it fails, or a line can't be parsed.
pub fn ss(args: &[&str]) -> Result<Vec<SocketRow>> {
    let output = run_as(Command::new("ss").args(args))?;
    ensure!(
        output.status.success(),
        "ss {args:?}: {}",
        text(&output.stderr)?
    );
    let lines = text(&output.stdout)?.lines();
    let mut rows: Vec<_> = lines.map(line).collect::<Result<_>>()?;
    rows.sort();
    Ok(rows)
}

fn line(line: &str) -> Result<SocketRow> {
    // With a filter for a single state, `ss` leaves its column out.
    let has_state = !line.starts_with(|c: char| c.is_ascii_digit());
    let mut fields = line.split_whitespace();
    let mut field = || fields.next().with_context(|| format!("short line: {line}"));
    let state = if has_state { field()? } else { "" };
    let state = match state {
        "ESTAB" => "ESTABLISHED".to_owned(),
        state => state.replace("WAIT-", "WAIT").replace('-', "_"),
    };
    let (recv_q, send_q) = (field()?.parse()?, field()?.parse()?);
    let (local, remote) = (end(field()?), end(field()?));
    let numbers = |name: &str| -> Result<Vec<u64>> {
        let after = line.split(name).skip(1);
        let digits = after.map(|text| text.split(|c: char| !c.is_ascii_digit()).next());
        digits
            .map(|it| Ok(it.unwrap_or_default().parse()?))
            .collect()
    };
    let mut owners: Vec<_> = numbers("pid=")?.into_iter().zip(numbers("fd=")?).collect();
    owners.sort_unstable();
    Ok(SocketRow {
        state,
        recv_q,
        send_q,
        local,
        remote,
        owners,
    })
}

/// `ss` writes mapped addresses as IPv6, no port as `*`, and any address of both families as `*`.
fn end(text: &str) -> String {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, "0"));
    let mapped = host
        .strip_prefix("[::ffff:")
        .and_then(|it| it.strip_suffix(']'));
    let host = match host {
        "*" => "[::]",
        host => mapped.unwrap_or(host),
    };
    format!("{host}:{}", if port == "*" { "0" } else { port })
}

/// Both ends of each socket.
pub fn ends(rows: &[SocketRow]) -> Vec<(&str, &str)> {
    let mut ends: Vec<_> = rows
        .iter()
        .map(|row| (row.local.as_str(), row.remote.as_str()))
        .collect();
    ends.sort_unstable();
    ends
}
