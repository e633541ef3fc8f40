//! The tracer without the kernel's type information (BTF).

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::load::mover::Mover;
use crate::load::result::PathResult;
use crate::tracer::{self, Session, Tracer, text};

/// Starts `netperf-trace ARGS` without type information.
pub(super) fn trace(args: &[&str]) -> Result<Tracer> {
    let mut command = Command::new(tracer::binary()?);
    Tracer::start_as(command.args(args).env("NETPERF_TRACE_BTF", "/hidden"))
}

/// The two ends of a connection show the same addresses.
pub(super) fn check_addresses() -> Result<String> {
    let tracer = trace(&["flows", "--json"])?;
    let results = Mover::start(["run", "tcp_write"])?.finish()?;
    let session = tracer.stop()?;
    let [PathResult::Moved { rows, .. }] = results.as_slice() else {
        bail!("the path did not run: {results:?}")
    };
    let movers = rows.iter().filter(|row| row.tx_bytes + row.rx_bytes > 0);
    let ends = movers
        .map(|row| end_of(&session, row.pid))
        .collect::<Result<Vec<_>>>()?;
    let [(one, other), (other_too, one_too)] = ends.as_slice() else {
        bail!("not two ends: {ends:?}")
    };
    ensure!((one, other) == (one_too, other_too), "{ends:?}");
    ensure!(one.port() != 0 && other.port() != 0, "{ends:?}");
    ensure!(
        session.start["unavailable"]
            .to_string()
            .contains("round-trip times"),
        "{}",
        session.start
    );
    Ok(format!("{one} to {other}"))
}

/// Local and remote address of the only flow of a process.
fn end_of(session: &Session, pid: u32) -> Result<(SocketAddr, SocketAddr)> {
    let ticks = session
        .ticks
        .iter()
        .filter_map(|tick| tick["flows"].as_array());
    let flow = ticks.flatten().find(|flow| flow["pid"] == pid);
    let flow = flow.with_context(|| format!("no flow of {pid} in {:?}", session.ticks))?;
    Ok((
        text(flow, "local")?.parse()?,
        text(flow, "remote")?.parse()?,
    ))
}
