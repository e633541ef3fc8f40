//! `retrans` on this kernel: as many segments and resets as the kernel counts, with each hook set.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::machine::Kernel;
use super::report::Report;
use super::{at_once, known};
use crate::load::lossy::Counters;
use crate::load::mover::Mover;
use crate::tracer::{Session, Tracer, integer};

/// Kinds of loss, one after the other: the counters are the machine's.
const KINDS: [&str; 5] = ["data", "handshake", "orphan", "older", "reset"];

/// Resets among them that answer a segment for which there is no socket.
const SILENT: u64 = 1;

/// Runs every kind of loss once while a tracer runs for each set.
pub(super) fn examine(sets: &[&str], kernel: Kernel, report: &mut Report) {
    let (sessions, segments, resets) = match trace_losses(sets) {
        Ok(traced) => traced,
        Err(error) => return report.failed("-", "lossy", &format!("{error:#}")),
    };
    for (set, session) in sets.iter().zip(&sessions) {
        match check(
            session,
            segments,
            known::resets_reported(resets, SILENT, kernel),
        ) {
            Ok(()) => report.passed(set, "lossy", &format!("{segments} segments retransmitted")),
            Err(error) => report.failed(set, "lossy", &format!("{error:#}")),
        }
    }
}

fn trace_losses(sets: &[&str]) -> Result<(Vec<Session>, u64, u64)> {
    let waiting = KINDS.iter().map(|kind| {
        let mut mover = Mover::start(["lossy", kind])?;
        let line = mover.next_line()?.context("the mover ended")?;
        ensure!(line.contains("\"ready\""), "`{kind}` is not ready: {line}");
        Ok((kind, mover))
    });
    let waiting: Vec<_> = waiting.collect::<Result<_>>()?;
    // The tracers start and stop when there is nothing on its way that could be retransmitted.
    let before = Counters::settled()?;
    let tracers = at_once(sets, |set| {
        let args = ["retrans", "--json", "--hooks", set];
        Tracer::start(&args).with_context(|| (*set).to_owned())
    })?;
    for (kind, mut mover) in waiting {
        mover.resume()?;
        mover.next_line()?.with_context(|| format!("`{kind}`"))?;
    }
    let after = Counters::settled()?;
    let sessions = at_once(tracers, Tracer::stop)?;
    let segments = after.segments - before.segments;
    Ok((sessions, segments, after.resets_sent - before.resets_sent))
}

fn check(session: &Session, segments: u64, resets: u64) -> Result<()> {
    let all = |list: &'static str| {
        let ticks = session.ticks.iter();
        ticks
            .filter_map(move |tick| tick[list].as_array())
            .flatten()
    };
    let reported: u64 = all("flows")
        .map(|row| integer(row, "retrans"))
        .sum::<Result<u64>>()?;
    let sent = all("resets").filter(|row| row["direction"] == "sent");
    let sent: u64 = sent.map(|row| integer(row, "count")).sum::<Result<u64>>()?;
    let unowned: Vec<&Value> = all("flows").filter(|row| row["pid"] == 0).collect();
    ensure!(segments > 0, "the kernel retransmitted nothing");
    ensure!(
        reported == segments,
        "{reported} of {segments} segments: {}",
        all("flows").cloned().collect::<Value>()
    );
    ensure!(sent == resets, "{sent} of {resets} resets");
    ensure!(unowned.is_empty(), "without an owner: {unowned:?}");
    Ok(())
}
