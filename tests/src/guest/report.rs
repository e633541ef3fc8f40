//! How did it go? One line of JSON for each result, and a closing line.

use std::collections::HashSet;
use std::io::Write;

use serde_json::{Value, json};

use super::known;
use super::machine::{self, Kernel};
use super::round::Round;
use super::tracer::Seen;
use crate::expect::Expected;
use crate::played::Played;

/// Counts of what was told.
#[derive(Debug, Default)]
pub(super) struct Report {
    passed: u32,
    failed: u32,
    skipped: u32,
}

impl Report {
    /// Says which kernel this is.
    pub(super) fn begin(&self, kernel: &Kernel) {
        let release = machine::release().unwrap_or_else(|_| format!("{kernel:?}"));
        tell(&json!({"type": "begin", "release": release}));
    }

    /// The machine could not be made ready, or the arguments are wrong.
    pub(super) fn broken(&mut self, why: &str) {
        self.failed("-", "guest", why);
    }

    /// A test held.
    pub(super) fn passed(&mut self, set: &str, test: &str) {
        self.passed += 1;
        tell(&json!({"type": "result", "set": set, "test": test, "verdict": "passed"}));
    }

    /// A test did not hold.
    pub(super) fn failed(&mut self, set: &str, test: &str, why: &str) {
        self.failed += 1;
        tell(&json!({"type": "result", "set": set, "test": test, "verdict": "failed", "why": why}));
    }

    fn skipped(&mut self, set: &str, test: &str, why: &str) {
        self.skipped += 1;
        tell(
            &json!({"type": "result", "set": set, "test": test, "verdict": "skipped", "why": why}),
        );
    }

    /// A set was refused by a kernel that can't have it.
    pub(super) fn absent(&mut self, set: &str, why: &str) {
        self.passed += 1;
        tell(
            &json!({"type": "result", "set": set, "test": "refused", "verdict": "passed", "why": why}),
        );
    }

    /// Holds what the tracer saw against what was moved, path by path.
    pub(super) fn round(&mut self, set: &str, round: &Round, kernel: Kernel) {
        for line in round.seen.diagnostics.lines() {
            tell(&json!({"type": "log", "set": set, "line": line}));
        }
        let before = self.failed;
        for played in &round.played {
            match played {
                Played::Moved { path, rows } => {
                    self.path(set, path, rows, &round.seen, kernel);
                }
                Played::Absent { path, why } => self.skipped(set, path, why),
                Played::Failed { path, why } => self.failed(set, path, why),
            }
        }
        // A path that failed leaves processes whose numbers are not known.
        if self.failed == before {
            self.nothing_else(set, round);
        }
    }

    fn path(&mut self, set: &str, path: &str, rows: &[Expected], seen: &Seen, kernel: Kernel) {
        let differences: Vec<_> = rows
            .iter()
            .filter(|row| seen.of(row.pid) != (row.tx_bytes, row.rx_bytes))
            .map(|row| {
                let (tx, rx) = seen.of(row.pid);
                let (true_tx, true_rx) = (row.tx_bytes, row.rx_bytes);
                format!("{}: {tx}/{rx} of {true_tx}/{true_rx} bytes", row.name)
            })
            .collect();
        let (verdict, why) = match known::exception(set, path, kernel) {
            None if differences.is_empty() => ("passed", String::new()),
            None => ("failed", differences.join(", ")),
            Some(why) if differences.is_empty() => {
                ("failed", format!("exact, though it was known that {why}"))
            }
            Some(why) => ("passed", format!("{why}: {}", differences.join(", "))),
        };
        let counter = if verdict == "passed" {
            &mut self.passed
        } else {
            &mut self.failed
        };
        *counter += 1;
        let (expected_tx, expected_rx) = sum(rows.iter().map(|row| (row.tx_bytes, row.rx_bytes)));
        let (seen_tx, seen_rx) = sum(rows.iter().map(|row| seen.of(row.pid)));
        tell(&json!({
            "type": "result", "set": set, "test": path, "verdict": verdict, "why": why,
            "expected": [expected_tx, expected_rx], "seen": [seen_tx, seen_rx],
        }));
    }

    /// Nobody but the players moved anything, and nothing was lost.
    fn nothing_else(&mut self, set: &str, round: &Round) {
        let players: HashSet<u32> = round
            .played
            .iter()
            .filter_map(|played| match played {
                Played::Moved { rows, .. } => Some(rows),
                Played::Absent { .. } | Played::Failed { .. } => None,
            })
            .flatten()
            .map(|row| row.pid)
            .collect();
        let strangers: Vec<_> = round
            .seen
            .processes
            .iter()
            .filter(|(pid, bytes)| !players.contains(pid) && **bytes != (0, 0))
            .collect();
        match &round.seen.loss {
            Some(loss) => self.failed(set, "nothing_else", &format!("lost {loss}")),
            None if strangers.is_empty() => self.passed(set, "nothing_else"),
            None => self.failed(set, "nothing_else", &format!("also seen: {strangers:?}")),
        }
    }

    /// Says that this is all; false if anything failed.
    pub(super) fn close(&self, taint: Option<u64>) -> bool {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        tell(&json!({
            "type": "end", "passed": passed, "failed": failed, "skipped": skipped, "taint": taint,
        }));
        *failed == 0 && *passed > 0 && taint == Some(0)
    }
}

impl Seen {
    fn of(&self, pid: u32) -> (u64, u64) {
        self.processes.get(&pid).copied().unwrap_or_default()
    }
}

fn sum(pairs: impl Iterator<Item = (u64, u64)>) -> (u64, u64) {
    pairs.fold((0, 0), |total, pair| (total.0 + pair.0, total.1 + pair.1))
}

/// One write a line, so that the kernel's messages come between lines and not into them.
fn tell(line: &Value) {
    // Without a console there is nobody to tell that it failed.
    let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}
