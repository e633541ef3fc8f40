//! Does `retrans` tell as many segments and resets as this kernel counts, with each hook set?

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::machine::Kernel;
use super::report::Report;
use super::{at_once, known};
use crate::load::lossy::Counters;
use crate::load::mover::Mover;
use crate::tracer::{Session, Tracer, integer};

/// What is played, one after the other: the counters are the machine's.
const KINDS: [&str; 5] = ["data", "handshake", "orphan", "older", "reset"];

/// Resets among them that answer a segment for which there is no socket.
const UNHEARD: u64 = 1;

/// Plays every loss once while a tracer runs for each set.
pub(super) fn examine(sets: &[&str], kernel: Kernel, report: &mut Report) {
    let (sessions, segments, resets) = match play(sets) {
        Ok(played) => played,
        Err(error) => return report.failed("-", "lossy", &format!("{error:#}")),
    };
    for (set, session) in sets.iter().zip(&sessions) {
        match check(
            session,
            segments,
            known::resets_told(resets, UNHEARD, kernel),
        ) {
            Ok(()) => report.passed(set, "lossy", &format!("{segments} segments sent again")),
            Err(error) => report.failed(set, "lossy", &format!("{error:#}")),
        }
    }
}

fn play(sets: &[&str]) -> Result<(Vec<Session>, u64, u64)> {
    let waiting = KINDS.iter().map(|kind| {
        let mut mover = Mover::start(["lossy", kind])?;
        let line = mover.next_line()?.context("the mover ended")?;
        ensure!(line.contains("\"ready\""), "`{kind}` is not ready: {line}");
        Ok((kind, mover))
    });
    let waiting: Vec<_> = waiting.collect::<Result<_>>()?;
    // The tracers begin and end when nothing is on its way that could be sent again.
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
    let told: u64 = all("flows")
        .map(|row| integer(row, "retrans"))
        .sum::<Result<u64>>()?;
    let sent = all("resets").filter(|row| row["direction"] == "sent");
    let sent: u64 = sent.map(|row| integer(row, "count")).sum::<Result<u64>>()?;
    let unowned: Vec<&Value> = all("flows").filter(|row| row["pid"] == 0).collect();
    ensure!(segments > 0, "the kernel sent nothing again");
    ensure!(
        told == segments,
        "{told} of {segments} segments: {}",
        all("flows").cloned().collect::<Value>()
    );
    ensure!(sent == resets, "{sent} of {resets} resets");
    ensure!(unowned.is_empty(), "nobody's: {unowned:?}");
    Ok(())
}
