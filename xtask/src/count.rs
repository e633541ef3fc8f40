//! Counts the tests that passed, and names those that failed.

use std::fmt;
use std::process::ExitCode;

/// Results of some tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
    /// Tests that did not run.
    pub(crate) skipped: u64,
    /// Names of the tests that failed.
    pub(crate) failures: Vec<String>,
    /// Names of the tests that failed beside others, and passed when they ran again alone.
    pub(crate) unsteady: Vec<String>,
}

impl Count {
    /// Counts a failure, named `name`.
    pub(crate) fn fail(&mut self, name: String) {
        self.failed += 1;
        self.failures.push(name);
    }

    /// Replaces failures by the results of a second run of the same tests.
    pub(crate) fn replace_failures(&mut self, second: Self) {
        self.passed += second.passed;
        self.failed = second.failed;
        let first = std::mem::replace(&mut self.failures, second.failures);
        let has_passed = |name: &String| !self.failures.contains(name);
        self.unsteady.extend(first.into_iter().filter(has_passed));
    }

    /// Adds other results.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
        self.unsteady.extend(other.unsteady);
    }

    /// Number of tests that ran.
    pub(crate) fn executed(&self) -> u64 {
        self.passed + self.failed
    }

    /// Whether any test failed.
    pub(crate) fn has_failures(&self) -> bool {
        self.failed > 0
    }

    /// Whether tests ran and all of them passed.
    pub(crate) fn is_success(&self) -> bool {
        self.passed > 0 && !self.has_failures()
    }

    /// Prints the failures and, as the last line, the sum.
    pub(crate) fn close(&self) -> ExitCode {
        println!();
        for name in &self.unsteady {
            println!("passed only when it ran again: {name}");
        }
        for name in &self.failures {
            println!("failed: {name}");
        }
        if self.executed() == 0 {
            println!("failed: no test ran");
        }
        println!("{self}");
        if self.is_success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_tests_is_no_success() {
        let skipped = Count {
            skipped: 3,
            ..Count::default()
        };
        assert_eq!(skipped.executed(), 0);
        assert!(!skipped.is_success());
    }

    #[test]
    fn a_test_that_passes_the_second_time_is_named_but_is_no_failure() {
        let mut first = Count {
            passed: 5,
            ..Count::default()
        };
        first.fail("slow".to_owned());
        first.fail("wrong".to_owned());
        let mut second = Count {
            passed: 1,
            ..Count::default()
        };
        second.fail("wrong".to_owned());
        first.replace_failures(second);
        assert_eq!(first.to_string(), "6 passed, 1 failed, 0 skipped");
        assert_eq!(first.failures, ["wrong"]);
        assert_eq!(first.unsteady, ["slow"]);
    }

    #[test]
    fn a_failure_is_kept_in_a_sum() {
        let mut sum = Count {
            passed: 5,
            ..Count::default()
        };
        let mut other = Count::default();
        other.fail("vm: no kernel".to_owned());
        sum.add(other);
        assert_eq!(sum.to_string(), "5 passed, 1 failed, 0 skipped");
        assert_eq!(sum.failures, ["vm: no kernel"]);
        assert!(!sum.is_success());
    }
}
