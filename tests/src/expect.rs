//! What must the tracer say? The rows that a path expects, and how the totals are held against them.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::played::Played;
use crate::tracer::{Session, Totals, integer};

/// What one process moved, by the return values of its own system calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Process id in the pid namespace of the tests.
    pub pid: u32,
    /// Name (`comm`) of the process while it moved bytes.
    pub name: String,
    /// Payload handed to sockets.
    pub tx_bytes: u64,
    /// Payload taken from sockets.
    pub rx_bytes: u64,
}

/// Holds a session of `top` against what was played in it: every byte of every process, counted
/// once, under one identity, nothing lost, and none of the tracer's own.
///
/// # Errors
/// Everything that differs, one line each.
pub fn check(session: &Session, played: &[Played]) -> Result<()> {
    let totals = session.totals()?;
    let mut wrong = losses(session)?;
    if let Some(own) = totals.get(&session.pid) {
        wrong.push(format!("the tracer counts itself: {own:?}"));
    }
    let mut moved = 0;
    for one in played {
        match one {
            Played::Moved { path, rows } => {
                moved += rows.len();
                wrong.extend(rows.iter().filter_map(|row| differs(path, row, &totals)));
            }
            Played::Absent { .. } => {}
            Played::Failed { path, why } => wrong.push(format!("{path} was not played: {why}")),
        }
    }
    ensure!(moved > 0, "nothing was played");
    if wrong.is_empty() {
        return Ok(());
    }
    if let Some(kernel) = totals.get(&0) {
        wrong.push(format!("(without an owner: {kernel:?})"));
    }
    bail!("{}\n{}", wrong.join("\n"), session.log)
}

/// What a session says it lost, one line each.
///
/// # Errors
/// When it has no tick.
pub fn losses(session: &Session) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let Some(last) = session.ticks.last() else {
        bail!("a session without a tick")
    };
    for name in ["ring_lost", "map_full", "unread"] {
        let count = integer(&last["loss"], name)?;
        if count > 0 {
            wrong.push(format!("loss: {count} {name}"));
        }
    }
    Ok(wrong)
}

/// How a row differs from what was counted, if it does.
pub fn differs(path: &str, row: &Expected, totals: &BTreeMap<u32, Totals>) -> Option<String> {
    let silent = Totals::default();
    let counted = totals.get(&row.pid).unwrap_or(&silent);
    let Expected {
        pid,
        name,
        tx_bytes,
        rx_bytes,
    } = row;
    let told = format!("{path}, {name} ({pid})");
    if (counted.tx_bytes, counted.rx_bytes) != (*tx_bytes, *rx_bytes) {
        let (tx, rx) = (counted.tx_bytes, counted.rx_bytes);
        return Some(format!(
            "{told}: moved {tx_bytes}/{rx_bytes}, counted {tx}/{rx}"
        ));
    }
    if (counted.tx_total, counted.rx_total) != (*tx_bytes, *rx_bytes) {
        return Some(format!("{told}: the totals are {counted:?}"));
    }
    if tx_bytes + rx_bytes == 0 {
        return None;
    }
    if counted.names != [name.as_str()] || counted.start_times.len() != 1 {
        return Some(format!(
            "{told}: is called {:?}",
            (&counted.names, &counted.start_times)
        ));
    }
    None
}
