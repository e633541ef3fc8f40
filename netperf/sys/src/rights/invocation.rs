//! The command line of this process, in words that a shell reads back: messages say how to run it with more rights.

use std::{env, iter};

use netperf_core::text::visible;

/// How this process was started, in words that a shell reads back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invocation {
    /// The program by its full path.
    pub(super) program: String,
    /// The program and its arguments.
    pub(super) command: String,
}

impl Invocation {
    /// The program by its full path, since sudo searches directories of its own.
    pub(super) fn own() -> Self {
        let mut words = env::args_os().map(|word| word.to_string_lossy().into_owned());
        let name = words.next().unwrap_or_else(|| "netperf-trace".to_owned());
        let path = env::current_exe().ok();
        let program = path.map_or(name, |path| path.to_string_lossy().into_owned());
        Self::new(&program, words)
    }

    /// A program with these arguments.
    pub(super) fn new(program: &str, arguments: impl Iterator<Item = String>) -> Self {
        let program = quoted(program);
        let arguments = arguments.map(|word| quoted(&word));
        let words: Vec<_> = iter::once(program.clone()).chain(arguments).collect();
        Self {
            program,
            command: words.join(" "),
        }
    }
}

/// A word as a POSIX shell reads it back, but for control characters, which are shown as escapes.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", visible(word).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_quoted_words_back() {
        assert_eq!(quoted("--port=80"), "--port=80");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("$(reboot)"), "'$(reboot)'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("\x1b[2J"), r"'\x1b[2J'");
    }
}
