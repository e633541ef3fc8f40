//! How many tests passed, and what failed?

use std::fmt;

/// Results of some tests, or the sum over several such.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Held.
    pub(crate) passed: u64,
    /// Did not hold.
    pub(crate) failed: u64,
    /// Were not done.
    pub(crate) skipped: u64,
    /// Names of what failed.
    pub(crate) failures: Vec<String>,
}

impl Count {
    /// Counts a failure and keeps what it says.
    pub(crate) fn fail(&mut self, what: String) {
        self.failed += 1;
        self.failures.push(what);
    }

    /// Adds other results.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
    }

    /// Tests that ran.
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
    fn nothing_executed_is_no_success() {
        let skipped = Count {
            skipped: 3,
            ..Count::default()
        };
        assert_eq!(skipped.executed(), 0);
        assert!(!skipped.is_success());
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
