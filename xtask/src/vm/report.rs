//! Reads results from the consoles of virtual machines, and sums them up.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;

use super::kernels::{Kernel, Wanted};
use super::qemu::Ended;
use crate::count::Count;

/// QEMU's status when the guest says that everything passed.
const PASSED: i32 = 33;

/// What a kernel writes when it has a bug.
const COMPLAINTS: [&str; 4] = ["BUG:", "WARNING:", "Oops", "Kernel panic"];

const TAIL_LINES: usize = 50;

/// Results of one machine.
#[derive(Debug)]
pub(super) struct Report {
    name: String,
    seconds: f64,
    /// Failures include those of the machine as a whole.
    count: Count,
    /// Reasons for skipping, each with the tests that it concerns.
    skips: BTreeMap<String, Vec<String>>,
    /// The last messages of the kernel itself.
    tail: String,
    /// The file with the whole console.
    console: PathBuf,
}

impl Report {
    /// Reads a console.
    ///
    /// # Errors
    /// When the machine has not written any.
    pub(super) fn read(
        wanted: &Wanted,
        kernel: &Kernel,
        ended: Ended,
        file: PathBuf,
    ) -> Result<Self> {
        let console = fs::read(&file)?;
        let console = String::from_utf8_lossy(&console);
        let mut report = Self {
            name: format!("{wanted} ({})", kernel.release),
            seconds: ended.after.as_secs_f64(),
            count: Count::default(),
            skips: BTreeMap::new(),
            tail: String::new(),
            console: file,
        };
        let (results, others): (Vec<_>, Vec<_>) = console
            .lines()
            .map(str::trim_end)
            .partition(|line| line.starts_with("{\""));
        let results: Vec<Value> = results
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        for line in &results {
            report.take(line);
        }
        report.check_end(ended, results.last());
        let complaints = others
            .iter()
            .filter(|line| COMPLAINTS.iter().any(|word| line.contains(word)));
        for complaint in complaints {
            report
                .count
                .fail(format!("the kernel complained: {complaint}"));
        }
        report.tail = others[others.len().saturating_sub(TAIL_LINES)..].join("\n");
        Ok(report)
    }

    fn take(&mut self, line: &Value) {
        if line["type"] != "result" {
            return;
        }
        let text = |field: &str| line[field].as_str().unwrap_or_default();
        let name = format!("{}/{}", text("set"), text("test"));
        match text("verdict") {
            "passed" => self.count.passed += 1,
            "skipped" => {
                self.count.skipped += 1;
                self.skips
                    .entry(text("why").to_owned())
                    .or_default()
                    .push(name);
            }
            _ => self.count.fail(format!("{name}: {}", text("why"))),
        }
    }

    /// The guest closes with its own sum, which must be the one that came through.
    fn check_end(&mut self, ended: Ended, last: Option<&Value>) {
        let end = last.filter(|line| line["type"] == "end");
        let is = |field: &str, count: u64| end.is_some_and(|end| end[field] == count);
        let whole = is("passed", self.count.passed)
            && is("failed", self.count.failed)
            && is("skipped", self.count.skipped);
        let status = ended.status.map(|status| status.code());
        if end.is_none() {
            self.count
                .fail(format!("the machine ended early, with {status:?}"));
        } else if !whole {
            self.count
                .fail("lines of the console are missing".to_owned());
        } else if self.count.failed == 0 && status != Some(Some(PASSED)) {
            self.count.fail(format!("it ended with {status:?}"));
        }
        if let Some(taint) = end.map(|end| &end["taint"]).filter(|taint| **taint != 0) {
            self.count.fail(format!("the kernel is tainted: {taint}"));
        }
    }

    /// Whether tests ran and all of them passed.
    pub(super) fn is_success(&self) -> bool {
        self.count.is_success()
    }

    /// Prints the results and, after a failure, where to look.
    pub(super) fn print(&self) {
        println!("\n{}", self.name);
        for (why, tests) in &self.skips {
            println!("  skipped: {}: {why}", tests.join(", "));
        }
        if !self.is_success() {
            println!("{}", self.tail);
            println!("  whole console: {}", self.console.display());
        }
        for failure in &self.count.failures {
            println!("  FAILED {failure}");
        }
        println!("  {} in {:.1} s", self.count, self.seconds);
    }
}

/// The sum over all machines.
#[derive(Debug, Default)]
pub(super) struct Total {
    count: Count,
    kernels: usize,
    absent: Vec<String>,
}

impl Total {
    /// Adds a machine.
    pub(super) fn add(&mut self, report: &Report) {
        self.kernels += 1;
        let mut count = report.count.clone();
        for failure in &mut count.failures {
            *failure = format!("{}: {failure}", report.name);
        }
        self.count.add(count);
    }

    /// Notes a machine that did not start.
    pub(super) fn fail(&mut self, wanted: &Wanted, why: &anyhow::Error) {
        println!("\n{wanted}\n  FAILED {why:#}");
        self.count.fail(format!("{wanted}: {why:#}"));
    }

    /// Notes a kernel that is not available.
    pub(super) fn skip(&mut self, wanted: &Wanted, why: &anyhow::Error) {
        println!("\n{wanted}\n  skipped: {why:#}");
        self.count.skipped += 1;
        self.absent.push(wanted.to_string());
    }

    /// The sum; fewer than `fewest` kernels are a failure of their own.
    pub(super) fn close(mut self, fewest: usize) -> Count {
        if !self.absent.is_empty() {
            println!("\nnot available: {}", self.absent.join(", "));
        }
        if self.kernels < fewest {
            let what = format!(
                "only {} kernels could be tested, {fewest} are needed; not available: {}",
                self.kernels,
                self.absent.join(", ")
            );
            println!("FAILED {what}");
            self.count.fail(what);
        }
        self.count
    }
}
