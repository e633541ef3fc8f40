//! Errors in a socket filter, with their position.

use std::fmt;

/// A filter that can't be understood. The text shows the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    filter: String,
    at: usize,
    expected: &'static str,
}

impl FilterError {
    /// Something else was expected at byte `at` of the filter.
    pub(super) fn new(filter: &str, at: usize, expected: &'static str) -> Self {
        Self {
            filter: filter.to_owned(),
            at,
            expected,
        }
    }

    /// Position of the error, in characters.
    pub fn position(&self) -> usize {
        self.filter
            .get(..self.at)
            .unwrap_or(&self.filter)
            .chars()
            .count()
    }
}

impl std::error::Error for FilterError {}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = self.filter.get(self.at..).unwrap_or_default();
        let found = match rest.split_whitespace().next() {
            Some(word) => format!("at `{word}`"),
            None => "at its end".to_owned(),
        };
        let position = self.position();
        writeln!(
            f,
            "the filter can't be understood {found} (character {}): expected {}",
            position + 1,
            self.expected
        )?;
        writeln!(f, "  {}", self.filter)?;
        write!(f, "  {:position$}^", "")
    }
}
