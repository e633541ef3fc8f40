//! Reads the output of a libtest program.

use crate::count::Count;

/// Adds what one line of output says to `count`.
pub(super) fn read(count: &mut Count, runner: &str, line: &str) {
    if let Some(result) = line.strip_prefix("test result: ") {
        count.passed += number_before(result, " passed");
        count.failed += number_before(result, " failed");
        count.skipped += number_before(result, " ignored");
    } else if let Some(test) = line
        .strip_prefix("test ")
        .and_then(|line| line.strip_suffix(" ... FAILED"))
    {
        count.failures.push(format!("{runner}: {test}"));
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
            read(&mut count, "unit", line);
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
}
