//! The results of the guest: one line of JSON for each, and a closing line.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::known;
use super::machine::{self, Kernel};
use crate::load::result::PathResult;
use crate::load::result::ProcessBytes;
use crate::tracer::Session;
use crate::tracer::exact::{self, Row, counted, losses};

/// What is expected of a path.
#[derive(Clone, Copy, Debug)]
enum Known<'a> {
    /// Every byte counts.
    Exact,
    /// The tracer reports uncounted calls: some bytes may be missing, of any process.
    Missed(&'a str),
    /// The tracer does not count what was moved.
    Different(&'a str),
    /// Every byte counts for its pid; the name may be a thread's.
    ByPid,
}

/// Counts of the results.
#[derive(Debug, Default)]
pub(super) struct Report {
    passed: u32,
    failed: u32,
    skipped: u32,
}

impl Report {
    /// A test has passed.
    pub(super) fn passed(&mut self, set: &str, test: &str, why: &str) {
        self.passed += 1;
        result(set, test, "passed", why);
    }

    /// A test has failed.
    pub(super) fn failed(&mut self, set: &str, test: &str, why: &str) {
        self.failed += 1;
        result(set, test, "failed", why);
    }

    /// A test was skipped.
    pub(super) fn skipped(&mut self, set: &str, test: &str, why: &str) {
        self.skipped += 1;
        result(set, test, "skipped", why);
    }

    /// Compares what was counted with what was moved, path by path.
    ///
    /// # Errors
    /// When the session is not what it should be.
    pub(super) fn round(
        &mut self,
        set: &str,
        session: &Session,
        results: &[PathResult],
        kernel: Kernel,
    ) -> Result<()> {
        let failed_before = self.failed;
        let mut wrong = Vec::new();
        let totals = counted(session, &mut wrong)?;
        if !wrong.is_empty() {
            self.failed(set, "totals", &wrong.join("; "));
        }
        let lost = losses(session)?;
        let may_miss = known::may_miss(set, kernel);
        let missed = (may_miss && !lost.is_empty()).then(|| lost.join(", "));
        for one in results {
            match one {
                PathResult::Moved { path, rows } => {
                    let known = match known::exception(set, path, kernel) {
                        Some(why) => Known::Different(why),
                        None if known::by_pid(set, path) => Known::ByPid,
                        None => missed.as_deref().map_or(Known::Exact, Known::Missed),
                    };
                    self.path((set, path), rows, &totals, known);
                }
                PathResult::Absent { path, why } => self.skipped(set, path, why),
                PathResult::Failed { path, why } => self.failed(set, path, why),
            }
        }
        for line in session.log.lines() {
            print(&json!({"type": "log", "set": set, "line": line}));
        }
        if lost.is_empty() || may_miss {
            self.passed(set, "nothing_lost", &lost.join(", "));
        } else {
            self.failed(set, "nothing_lost", &lost.join(", "));
        }
        // A failed path leaves processes with unknown pids.
        if self.failed == failed_before {
            self.nobody_else(set, results, &totals, kernel);
        }
        Ok(())
    }

    fn path(
        &mut self,
        (set, path): (&str, &str),
        rows: &[ProcessBytes],
        totals: &BTreeMap<u32, Vec<Row>>,
        known: Known<'_>,
    ) {
        let wrong = exact::differences(path, rows, totals);
        let differences = wrong.join("; ");
        let (passed, why) = match known {
            Known::Exact => (wrong.is_empty(), differences),
            Known::Missed(_) if wrong.is_empty() => (true, differences),
            Known::Missed(lost) => (true, format!("reported as lost ({lost}): {differences}")),
            Known::Different(why) if wrong.is_empty() => {
                (false, format!("exact, but expected was: {why}"))
            }
            Known::Different(why) => (true, format!("{why}: {differences}")),
            Known::ByPid => (is_exact_by_pid(rows, totals), differences),
        };
        let expected = sum(rows.iter().map(|row| (row.tx_bytes, row.rx_bytes)));
        let seen = sum(rows
            .iter()
            .filter_map(|row| totals.get(&row.pid))
            .flatten()
            .map(bytes));
        self.passed += u32::from(passed);
        self.failed += u32::from(!passed);
        print(&json!({
            "type": "result", "set": set, "test": path, "expected": expected, "seen": seen,
            "uptime_s": machine::uptime(), "verdict": if passed { "passed" } else { "failed" }, "why": why,
        }));
    }

    /// On a machine of its own, only the processes of the paths move bytes.
    fn nobody_else(
        &mut self,
        set: &str,
        results: &[PathResult],
        totals: &BTreeMap<u32, Vec<Row>>,
        kernel: Kernel,
    ) {
        let mut movers = HashSet::new();
        let mut strange = false;
        for one in results {
            if let PathResult::Moved { path, rows } = one {
                strange |= known::exception(set, path, kernel).is_some();
                movers.extend(rows.iter().map(|row| row.pid));
            }
        }
        if strange {
            // The kernel may take records of TLS for no process in particular.
            movers.insert(0);
        }
        let is_stranger = |(pid, _): &(&u32, &Vec<Row>)| !movers.contains(*pid);
        let strangers: Vec<_> = totals.iter().filter(is_stranger).collect();
        if strangers.is_empty() {
            self.passed(set, "nobody_else", "");
        } else {
            self.failed(set, "nobody_else", &format!("{strangers:?}"));
        }
    }

    /// Prints the closing line; false if a test failed.
    pub(super) fn close(&self, taint: Option<u64>) -> bool {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        print(&json!({
            "type": "end", "passed": passed, "failed": failed, "skipped": skipped, "taint": taint,
        }));
        *failed == 0 && *passed > 0 && taint == Some(0)
    }
}

/// Whether the bytes of each process are right, whatever its name.
fn is_exact_by_pid(moved: &[ProcessBytes], counted: &BTreeMap<u32, Vec<Row>>) -> bool {
    let numbers: HashSet<u32> = moved.iter().map(|row| row.pid).collect();
    numbers.into_iter().all(|pid| {
        let moved = moved.iter().filter(|row| row.pid == pid);
        let moved = sum(moved.map(|row| (row.tx_bytes, row.rx_bytes)));
        let counted = counted.get(&pid).into_iter().flatten();
        moved == sum(counted.map(bytes))
    })
}

fn bytes((_, tx_bytes, rx_bytes): &Row) -> (u64, u64) {
    (*tx_bytes, *rx_bytes)
}

fn sum(pairs: impl Iterator<Item = (u64, u64)>) -> (u64, u64) {
    pairs.fold((0, 0), |total, pair| (total.0 + pair.0, total.1 + pair.1))
}

fn result(set: &str, test: &str, verdict: &str, why: &str) {
    print(&json!({
        "type": "result", "set": set, "test": test, "uptime_s": machine::uptime(),
        "verdict": verdict, "why": why,
    }));
}

/// One write for each line, so that kernel messages come between lines and not into them.
pub(super) fn print(line: &Value) {
    // Without a console the error can't be reported.
    let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}
