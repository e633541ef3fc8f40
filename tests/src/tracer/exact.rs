//! Compares a session of `top` with what paths moved, to the byte.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};

use crate::load::result::{PathResult, ProcessBytes};
use crate::tracer::{Session, integer};

/// Compares a session of `top` with the paths that ran in it: every byte of every process, counted
/// once, under one identity, nothing lost, and none of the tracer's own.
///
/// # Errors
/// Everything that differs, one line each.
pub fn check(session: &Session, results: &[PathResult]) -> Result<()> {
    let mut wrong = losses(session)?;
    let counted = counted(session, &mut wrong)?;
    if let Some(own) = counted.get(&session.pid) {
        wrong.push(format!("the tracer counts itself: {own:?}"));
    }
    let mut rows = 0;
    for one in results {
        match one {
            PathResult::Moved { path, rows: moved } => {
                rows += moved.len();
                wrong.extend(differences(path, moved, &counted));
            }
            PathResult::Absent { .. } => {}
            PathResult::Failed { path, why } => wrong.push(format!("{path} did not run: {why}")),
        }
    }
    ensure!(rows > 0, "no path ran");
    if wrong.is_empty() {
        return Ok(());
    }
    for ((pid, start), totals) in session.totals()? {
        if counted.get(&pid).is_some_and(|rows| rows.len() > 1) {
            wrong.push(format!("({pid} since {start}: {:?})", totals.row()));
        }
    }
    if let Some(kernel) = counted.get(&0) {
        wrong.push(format!("(without an owner: {kernel:?})"));
    }
    bail!("{}\n{}", wrong.join("\n"), session.log)
}

/// Name, bytes sent and bytes received of one process.
pub type Row = (String, u64, u64);

/// The processes that have bytes in a session, by pid. Adds those to `wrong` whose totals are not the
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

/// The differences on one path: for each pid, the processes that moved bytes must be those that are counted.
/// (There are several only where a pid is reused.)
pub fn differences(
    path: &str,
    moved: &[ProcessBytes],
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

/// The losses that a session reports, one line each.
///
/// # Errors
/// When it has no tick.
pub fn losses(session: &Session) -> Result<Vec<String>> {
    let Some(last) = session.ticks.last() else {
        bail!("no tick in the session")
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

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use serde_json::{Value, json};

    use super::*;

    const TRACER: u32 = 9;

    fn row(pid: u32, start: &str, name: &str, tx: u64, total: u64) -> Value {
        json!({
            "pid": pid, "start_time": start, "name": name,
            "tx_bytes": tx, "rx_bytes": 0, "tx_total": total, "rx_total": 0,
        })
    }

    fn session(ticks: &[&[Value]], unread: u64) -> Session {
        let loss = json!({"ring_lost": 0, "map_full": 0, "unread": unread});
        let tick = |rows: &&[Value]| json!({"processes": rows, "loss": loss});
        Session {
            pid: TRACER,
            start: Value::Null,
            ticks: ticks.iter().map(tick).collect(),
            end: Value::Null,
            status: ExitStatus::from_raw(0),
            log: String::new(),
        }
    }

    fn results(rows: &[(u32, &str, u64)]) -> Vec<PathResult> {
        let expected = |(pid, name, tx): &(u32, &str, u64)| ProcessBytes {
            pid: *pid,
            name: (*name).to_owned(),
            tx_bytes: *tx,
            rx_bytes: 0,
        };
        let rows = rows.iter().map(expected).collect();
        vec![PathResult::Moved {
            path: "path".to_owned(),
            rows,
        }]
    }

    #[test]
    fn exact_totals_over_several_ticks_pass() {
        let ticks: [&[Value]; 2] = [&[row(1, "a", "x", 5, 5)], &[row(1, "a", "x", 7, 12)]];
        let results = results(&[(1, "x", 12), (2, "silent", 0)]);
        assert!(check(&session(&ticks, 0), &results).is_ok());
    }

    #[test]
    fn a_reused_pid_passes_only_as_two_processes() {
        let ticks: [&[Value]; 1] = [&[row(1, "a", "x", 5, 5), row(1, "b", "y", 7, 7)]];
        let two = session(&ticks, 0);
        assert!(check(&two, &results(&[(1, "x", 5), (1, "y", 7)])).is_ok());
        assert!(check(&two, &results(&[(1, "x", 12)])).is_err());
    }

    #[test]
    fn every_kind_of_error_is_found() {
        let right: &[Value] = &[row(1, "a", "x", 5, 5)];
        let wrong: [(&[Value], u64, &str); 6] = [
            (&[row(1, "a", "x", 6, 6)], 0, "a byte too much"),
            (&[], 0, "nothing counted"),
            (&[row(1, "a", "y", 5, 5)], 0, "another name"),
            (&[row(1, "a", "x", 5, 4)], 0, "a total that is not the sum"),
            (right, 1, "a loss"),
            (
                &[row(1, "a", "x", 5, 5), row(TRACER, "a", "me", 1, 1)],
                0,
                "the tracer",
            ),
        ];
        let results = results(&[(1, "x", 5)]);
        assert!(check(&session(&[right], 0), &results).is_ok());
        for (rows, unread, what) in wrong {
            assert!(
                check(&session(&[rows], unread), &results).is_err(),
                "{what} passes"
            );
        }
    }

    #[test]
    fn a_path_that_failed_or_never_ran_is_an_error() {
        let session = session(&[&[]], 0);
        assert!(check(&session, &[]).is_err());
        let (path, why) = ("path".to_owned(), "reason".to_owned());
        assert!(check(&session, &[PathResult::Failed { path, why }]).is_err());
    }
}
