//! What must the tracer say? The rows that a path expects, and how the totals are held against them.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::played::Played;
use crate::tracer::{Session, integer};

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
    let mut wrong = losses(session)?;
    let counted = counted(session, &mut wrong)?;
    if let Some(own) = counted.get(&session.pid) {
        wrong.push(format!("the tracer counts itself: {own:?}"));
    }
    let mut rows = 0;
    for one in played {
        match one {
            Played::Moved { path, rows: moved } => {
                rows += moved.len();
                wrong.extend(differences(path, moved, &counted));
            }
            Played::Absent { .. } => {}
            Played::Failed { path, why } => wrong.push(format!("{path} was not played: {why}")),
        }
    }
    ensure!(rows > 0, "nothing was played");
    if wrong.is_empty() {
        return Ok(());
    }
    if let Some(kernel) = counted.get(&0) {
        wrong.push(format!("(without an owner: {kernel:?})"));
    }
    bail!("{}\n{}", wrong.join("\n"), session.log)
}

/// Name, bytes sent and bytes received of one process.
pub type Row = (String, u64, u64);

/// The processes that a session shows with bytes, by pid. Adds to `wrong` whose totals are not the
/// sum of their ticks.
///
/// # Errors
/// When a row lacks a field.
pub fn counted(session: &Session, wrong: &mut Vec<String>) -> Result<BTreeMap<u32, Vec<Row>>> {
    let mut counted = BTreeMap::<u32, Vec<Row>>::new();
    for ((pid, _), totals) in session.totals()? {
        if (totals.tx_bytes, totals.rx_bytes) != (totals.tx_total, totals.rx_total) {
            wrong.push(format!(
                "the totals of {pid} are not the sum of its ticks: {totals:?}"
            ));
        }
        if totals.tx_bytes + totals.rx_bytes > 0 {
            counted.entry(pid).or_default().push(totals.row());
        }
    }
    Ok(counted)
}

/// What differs on one path: by pid, the processes that moved bytes must be those that are counted.
/// (They are several only where a pid is used again.)
pub fn differences(
    path: &str,
    moved: &[Expected],
    counted: &BTreeMap<u32, Vec<Row>>,
) -> Vec<String> {
    let mut expected = BTreeMap::<u32, Vec<Row>>::new();
    for row in moved {
        let rows = expected.entry(row.pid).or_default();
        if row.tx_bytes + row.rx_bytes > 0 {
            rows.push((row.name.clone(), row.tx_bytes, row.rx_bytes));
        }
    }
    let mut wrong = Vec::new();
    for (pid, mut expected) in expected {
        let mut counted = counted.get(&pid).cloned().unwrap_or_default();
        expected.sort();
        counted.sort();
        if expected != counted {
            wrong.push(format!(
                "{path}, {pid}: moved {expected:?}, counted {counted:?}"
            ));
        }
    }
    wrong
}

/// What a session says it lost, one line each.
///
/// # Errors
/// When it has no tick.
pub fn losses(session: &Session) -> Result<Vec<String>> {
    let Some(last) = session.ticks.last() else {
        bail!("a session without a tick")
    };
    let mut wrong = Vec::new();
    for name in ["ring_lost", "map_full", "unread"] {
        let count = integer(&last["loss"], name)?;
        if count > 0 {
            wrong.push(format!("loss: {count} {name}"));
        }
    }
    Ok(wrong)
}
