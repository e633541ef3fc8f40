//! Compares the bytes that a tool reported with the bytes that the load moved.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::load::Moved;

/// Bytes that a tool reported, by process.
#[derive(Debug, Default)]
pub(super) struct Reported {
    bytes: HashMap<u32, Bytes>,
    /// Updates that the tool reports as lost.
    lost: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bytes {
    tx: u64,
    rx: u64,
}

impl Reported {
    /// Adds one line of NDJSON; lines that are not a tick change nothing.
    pub(super) fn add_tick(&mut self, line: &Value) -> Result<()> {
        let none = Vec::new();
        for process in line["processes"].as_array().unwrap_or(&none) {
            let number = |field: &str| {
                process[field]
                    .as_u64()
                    .with_context(|| format!("a process without `{field}`"))
            };
            let bytes = self.bytes.entry(number("pid")?.try_into()?).or_default();
            bytes.tx += number("tx_bytes")?;
            bytes.rx += number("rx_bytes")?;
        }
        if let Some(loss) = line["loss"].as_object() {
            self.lost = loss.values().filter_map(Value::as_u64).sum();
        }
        Ok(())
    }

    /// Sets the bytes of a process, for a tool that reports totals.
    pub(super) fn set_totals(&mut self, pid: u32, tx: u64, rx: u64) {
        self.bytes.insert(pid, Bytes { tx, rx });
    }

    /// Compares it with what the load moved.
    pub(super) fn compare<'a>(&self, moved: impl IntoIterator<Item = &'a Moved>) -> Accuracy {
        let mut accuracy = Accuracy {
            lost: self.lost,
            ..Accuracy::default()
        };
        for truth in moved.into_iter().filter(|m| m.tx_bytes + m.rx_bytes > 0) {
            let reported = self.bytes.get(&truth.pid).copied().unwrap_or_default();
            accuracy.add(truth, reported);
        }
        accuracy
    }
}

/// How accurate a tool was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Accuracy {
    processes: u64,
    named: u64,
    exact: u64,
    moved: Bytes,
    reported: Bytes,
    lost: u64,
}

impl Accuracy {
    fn add(&mut self, truth: &Moved, reported: Bytes) {
        let moved = Bytes {
            tx: truth.tx_bytes,
            rx: truth.rx_bytes,
        };
        self.processes += 1;
        self.named += u64::from(reported != Bytes::default());
        self.exact += u64::from(reported == moved);
        self.moved.tx += moved.tx;
        self.moved.rx += moved.rx;
        self.reported.tx += reported.tx;
        self.reported.rx += reported.rx;
    }

    /// The sum of both.
    pub(super) fn and(self, other: &Self) -> Self {
        let sum = |a: Bytes, b: Bytes| Bytes {
            tx: a.tx + b.tx,
            rx: a.rx + b.rx,
        };
        Self {
            processes: self.processes + other.processes,
            named: self.named + other.named,
            exact: self.exact + other.exact,
            moved: sum(self.moved, other.moved),
            reported: sum(self.reported, other.reported),
            lost: self.lost + other.lost,
        }
    }

    /// Whether every byte of every process was reported.
    pub(super) fn is_exact(&self) -> bool {
        self.processes > 0 && self.exact == self.processes && self.lost == 0
    }

    /// Text for a table cell.
    pub(super) fn describe(&self) -> String {
        if self.is_exact() {
            return format!("exact: {0} of {0} processes", self.processes);
        }
        let lost = match self.lost {
            0 => String::new(),
            lost => format!(", {lost} updates lost"),
        };
        format!(
            "{} of {} processes; sent {}, received {}{lost}",
            self.named,
            self.processes,
            share(self.reported.tx, self.moved.tx),
            share(self.reported.rx, self.moved.rx),
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
fn share(reported: u64, moved: u64) -> String {
    match moved {
        0 => "-".to_owned(),
        _ => format!("{:.2} %", reported as f64 / moved as f64 * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TRUTH: [Moved; 2] = [
        Moved {
            pid: 1,
            tx_bytes: 100,
            rx_bytes: 200,
        },
        Moved {
            pid: 2,
            tx_bytes: 100,
            rx_bytes: 0,
        },
    ];

    fn reported(processes: &Value, ring_lost: u64) -> Reported {
        let mut reported = Reported::default();
        let tick = json!({"type": "top", "processes": processes, "loss": {"ring_lost": ring_lost}});
        reported.add_tick(&tick).unwrap();
        reported
    }

    #[test]
    fn ticks_add_up_to_the_truth() {
        let one = json!({"pid": 1, "tx_bytes": 50, "rx_bytes": 100});
        let two = json!({"pid": 2, "tx_bytes": 100, "rx_bytes": 0});
        let mut reported = reported(&json!([one, two]), 0);
        assert!(!reported.compare(&TRUTH).is_exact());
        reported.add_tick(&json!({"processes": [one]})).unwrap();
        assert!(reported.compare(&TRUTH).is_exact());
    }

    #[test]
    fn what_is_missing_is_said() {
        let half = reported(&json!([{"pid": 1, "tx_bytes": 100, "rx_bytes": 100}]), 3);
        assert_eq!(
            half.compare(&TRUTH).describe(),
            "1 of 2 processes; sent 50.00 %, received 50.00 %, 3 updates lost"
        );
    }

    #[test]
    fn nothing_compared_is_not_exact() {
        assert!(!Reported::default().compare(&[]).is_exact());
    }
}
