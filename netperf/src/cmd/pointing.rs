//! Marks the wrong part of a command-line word in an error.

use netperf_core::text::{fit, visible, width};

use netperf_core::failure::Failure;

/// Columns of the user's text that an error repeats.
const ECHO_COLUMNS: usize = 72;

/// A usage error that shows the word with a mark below the wrong byte.
pub(super) fn pointing_at(word: &str, at: usize, why: &str) -> Failure {
    let before = visible(word.get(..at).unwrap_or_default()).into_owned();
    let word = visible(word);
    let (word, column) = (fit(&word, ECHO_COLUMNS), width(&before));
    let mark = match column {
        0..ECHO_COLUMNS => format!("\n  {:column$}^", ""),
        _ => String::new(),
    };
    Failure::Usage(format!("{why}\n  {word}{mark}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_below_the_place_also_behind_what_is_escaped() {
        let text = pointing_at("a\x1bé..b", 5, "why").to_string();
        assert_eq!(text, "why\n  a\\x1bé..b\n         ^");
    }

    #[test]
    fn long_words_are_cut_and_have_no_mark_where_it_would_not_be_seen() {
        let text = pointing_at(&"a".repeat(500), 400, "why").to_string();
        assert!(text.len() < 90 && !text.contains('^'), "{text}");
    }
}
