//! How did it go? Reads what a machine wrote to its console, and sums machines up.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use super::kernels::{Kernel, Wanted};
use super::qemu::Ended;

/// QEMU's status when the guest says that everything passed.
const PASSED: i32 = 33;

/// What a kernel writes when something is wrong with it.
const COMPLAINTS: [&str; 4] = ["BUG:", "WARNING:", "Oops", "Kernel panic"];

const TAIL_LINES: usize = 50;

/// Tests, by how they went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// What one machine said.
#[derive(Debug)]
pub(super) struct Report {
    name: String,
    seconds: f64,
    count: Count,
    /// Tests that failed, and what is wrong with the machine as a whole.
    failures: Vec<String>,
    /// Reasons for skipping, each with the tests that it concerns.
    skips: BTreeMap<String, Vec<String>>,
    /// What the kernel itself wrote last.
    tail: String,
}

impl Report {
    /// Reads a console.
    pub(super) fn read(wanted: &Wanted, kernel: &Kernel, ended: Ended, console: &[u8]) -> Self {
        let console = String::from_utf8_lossy(console);
        let mut report = Self {
            name: format!("{wanted} ({})", kernel.release),
            seconds: ended.after.as_secs_f64(),
            count: Count::default(),
            failures: Vec::new(),
            skips: BTreeMap::new(),
            tail: String::new(),
        };
        let (told, others): (Vec<_>, Vec<_>) = console
            .lines()
            .map(str::trim_end)
            .partition(|line| line.starts_with("{\""));
        let told: Vec<Value> = told
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        for line in &told {
            report.take(line);
        }
        report.check_end(ended, told.last());
        let complaints = others
            .iter()
            .filter(|line| COMPLAINTS.iter().any(|word| line.contains(word)));
        for complaint in complaints {
            report.fail(format!("the kernel complained: {complaint}"));
        }
        report.tail = others[others.len().saturating_sub(TAIL_LINES)..].join("\n");
        report
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
            _ => self.fail(format!("{name}: {}", text("why"))),
        }
    }

    /// The guest closes with its own sum, which must be the one that came through.
    fn check_end(&mut self, ended: Ended, last: Option<&Value>) {
        let end = last.filter(|line| line["type"] == "end");
        let is = |field: &str, count: usize| end.is_some_and(|end| end[field] == count);
        let whole = is("passed", self.count.passed)
            && is("failed", self.count.failed)
            && is("skipped", self.count.skipped);
        let status = ended.status.map(|status| status.code());
        if end.is_none() {
            self.fail(format!("the machine ended early, with {status:?}"));
        } else if !whole {
            self.fail("lines of the console are missing".to_owned());
        } else if self.count.failed == 0 && status != Some(Some(PASSED)) {
            self.fail(format!("it ended with {status:?}"));
        }
        if let Some(taint) = end.map(|end| &end["taint"]).filter(|taint| **taint != 0) {
            self.fail(format!("the kernel is tainted: {taint}"));
        }
    }

    fn fail(&mut self, what: String) {
        self.count.failed += 1;
        self.failures.push(what);
    }

    /// Whether tests ran and all of them passed.
    pub(super) fn is_success(&self) -> bool {
        self.count.passed > 0 && self.count.failed == 0
    }

    /// Says how it went, and where to look if it did not go well.
    pub(super) fn print(&self, console: &Path) {
        println!("\n{}", self.name);
        for (why, tests) in &self.skips {
            println!("  skipped: {}: {why}", tests.join(", "));
        }
        if !self.is_success() {
            println!("{}", self.tail);
            println!("  whole console: {}", console.display());
        }
        for failure in &self.failures {
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
        self.count.passed += report.count.passed;
        self.count.failed += report.count.failed;
        self.count.skipped += report.count.skipped;
    }

    /// Notes a kernel that can't be had.
    pub(super) fn skip(&mut self, wanted: &Wanted, why: &anyhow::Error) {
        println!("\n{wanted}\n  skipped: {why:#}");
        self.count.skipped += 1;
        self.absent.push(wanted.to_string());
    }

    /// Says how everything went; fewer than `fewest` kernels are a failure of their own.
    pub(super) fn close(mut self, fewest: usize) -> ExitCode {
        println!();
        if !self.absent.is_empty() {
            println!("not to be had: {}", self.absent.join(", "));
        }
        if self.kernels < fewest {
            println!("FAILED: only {} kernels of {fewest} needed", self.kernels);
            self.count.failed += 1;
        }
        println!("{}", self.count);
        if self.count.failed == 0 && self.count.passed > 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
