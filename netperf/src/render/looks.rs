//! What is written alike for every command that looks: what was not seen, and sentences in lines.

use std::io::{self, Write};

use crate::text::{visible, width};
use crate::view::envelope::Start;
use crate::view::states::Finding;

/// Longest line of a sentence: longer ones are hard to read.
const SENTENCE: usize = 100;

/// Blanks below a level: that of the longest, and two.
const INDENT: usize = 10;

/// What can't be seen here, before the first look.
pub(super) fn not_shown(start: &Start, out: &mut Vec<u8>) -> io::Result<()> {
    for missing in &start.unavailable {
        let (what, why) = (visible(&missing.what), visible(&missing.why));
        writeln!(out, "not shown: {what}: {why}")?;
    }
    Ok(())
}

/// Words in lines that are not wider than `room`, each begun by blanks but for the first `mark`.
pub(super) fn indented(
    mark: &str,
    words: &[impl AsRef<str>],
    room: usize,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let indent = width(mark);
    for (at, line) in filled(words, room.saturating_sub(indent))
        .iter()
        .enumerate()
    {
        let begun = if at == 0 { mark } else { &" ".repeat(indent) };
        writeln!(out, "{begun}{line}")?;
    }
    Ok(())
}

/// The same for a sentence that may hold text from outside. Commands in it stay on one line, to be
/// copied.
pub(super) fn sentence(mark: &str, text: &str, room: usize, out: &mut Vec<u8>) -> io::Result<()> {
    indented(mark, &words(&visible(text)), room, out)
}

/// What was found, with what to do about it where that is not known already.
pub(super) fn finding(
    found: &Finding,
    tells_advice: bool,
    width: usize,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let room = width.min(SENTENCE);
    let blank = " ".repeat(INDENT);
    let level = found.level.word();
    sentence(&format!("{level:INDENT$}"), &found.what, room, out)?;
    sentence(&blank, &found.evidence, room, out)?;
    for advice in found.advice.iter().filter(|_| tells_advice) {
        sentence(&format!("{blank}-> "), advice, room, out)?;
    }
    Ok(())
}

/// A sentence in lines that are not wider than `room`; commands give way where they must.
pub(super) fn wrapped(text: &str, room: usize) -> Vec<String> {
    let text = visible(text);
    let torn = |word: &str| word.contains(' ') && width(word) > room;
    let split = |word| -> Vec<&str> {
        if torn(word) {
            word.split(' ').collect()
        } else {
            vec![word]
        }
    };
    let words: Vec<_> = words(&text).into_iter().flat_map(split).collect();
    filled(&words, room)
}

/// Lines of as many words as fit; a word that is wider than `room` has one for itself.
fn filled(words: &[impl AsRef<str>], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in words
        .iter()
        .map(AsRef::as_ref)
        .filter(|word| !word.is_empty())
    {
        match lines.last_mut() {
            Some(line) if used + 1 + width(word) <= room => {
                line.push(' ');
                line.push_str(word);
                used += 1 + width(word);
            }
            _ => {
                lines.push(word.to_owned());
                used = width(word);
            }
        }
    }
    lines
}

/// What stands between blanks, or between backticks.
fn words(text: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let words = text.split(|c: char| {
        is_quoted ^= c == '`';
        c == ' ' && !is_quoted
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mark: &str, text: &str, room: usize) -> String {
        let mut out = Vec::new();
        sentence(mark, text, room, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_are_as_long_as_there_is_room_and_begin_below_each_other() {
        assert_eq!(lines("-> ", "aa bb cc", 8), "-> aa bb\n   cc\n");
        assert_eq!(lines("-> ", "aa bb cc", 11), "-> aa bb cc\n");
        assert_eq!(lines("", "aaaa bb", 3), "aaaa\nbb\n");
        assert_eq!(lines("-> ", "", 8), "");
    }

    #[test]
    fn a_command_is_not_torn_apart() {
        let text = "set it: `sysctl -w a=1`, then look";
        assert_eq!(
            lines("", text, 12),
            "set it:\n`sysctl -w a=1`,\nthen look\n"
        );
    }

    #[test]
    fn text_from_outside_can_not_steer_the_terminal() {
        assert_eq!(lines("", "\x1b[2J evil", 80), "\\x1b[2J evil\n");
    }
}
