//! How many tests passed, as the runners say themselves?

use std::fmt;

/// Results of one runner, or the sum over several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// Names of what failed.
    pub(super) failures: Vec<String>,
}

impl Count {
    /// Takes in one line that a runner of libtest has printed.
    pub(super) fn read(&mut self, runner: &str, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.passed += number_before(result, " passed");
            self.failed += number_before(result, " failed");
            self.skipped += number_before(result, " ignored");
        } else if let Some(test) = line
            .strip_prefix("test ")
            .and_then(|line| line.strip_suffix(" ... FAILED"))
        {
            self.failures.push(format!("{runner}: {test}"));
        }
    }

    /// Counts a runner that did not say how it went as one failure.
    pub(super) fn fail(&mut self, what: String) {
        self.failed += 1;
        self.failures.push(what);
    }

    /// Adds the results of another runner.
    pub(super) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
    }

    /// Tests that ran.
    pub(super) fn executed(&self) -> u64 {
        self.passed + self.failed
    }

    /// Whether any test failed.
    pub(super) fn has_failures(&self) -> bool {
        self.failed > 0
    }

    /// Whether tests ran and all of them passed.
    pub(super) fn is_success(&self) -> bool {
        self.passed > 0 && !self.has_failures()
    }
}

/// The closing line.
impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

fn number_before(text: &str, word: &str) -> u64 {
    let before = text.find(word).map_or("", |end| &text[..end]);
    before
        .rsplit(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(lines: &[&str]) -> Count {
        let mut count = Count::default();
        for line in lines {
            count.read("unit", line);
        }
        count
    }

    #[test]
    fn results_of_several_runs_are_summed() {
        let count = count(&[
            "running 5 tests",
            "test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: ok. 10 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ]);
        assert_eq!(count.to_string(), "14 passed, 0 failed, 1 skipped");
        assert!(count.is_success());
    }

    #[test]
    fn a_failure_is_counted_and_named() {
        let count = count(&[
            "test top::bytes ... FAILED",
            "test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ]);
        assert_eq!(count.failures, ["unit: top::bytes"]);
        assert!(!count.is_success());
    }

    #[test]
    fn nothing_executed_is_no_success() {
        let count =
            count(&["test result: ok. 0 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out"]);
        assert_eq!(count.executed(), 0);
        assert!(!count.is_success());
    }
}
