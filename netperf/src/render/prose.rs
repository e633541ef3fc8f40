//! Sentences in text output: line breaks, findings, and what could not be seen.

use std::io::{self, Write};

use netperf_core::text::{visible, width};
use netperf_core::units::{Bytes, Units, format_seconds};
use netperf_diagnose::Finding;
use serde::Serialize;

use super::output::{Report, Style};
use crate::view::envelope::Start;
use crate::view::tick::{Health, When};
use crate::view::without_filter::WithoutFilter;

/// Longest line where there is no terminal.
pub(super) const LINE: usize = 200;

/// Longest line of a sentence; longer ones are hard to read.
pub(super) const SENTENCE: usize = 100;

/// Width of the column of levels: the longest, and two spaces.
pub(super) const LEVEL: usize = 10;

/// Text before the first report: what can't be seen here.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct NotShown<'s>(pub &'s Start);

impl Report for NotShown<'_> {
    fn text(&self, _: Style, out: &mut Vec<u8>) -> io::Result<()> {
        for missing in &self.0.unavailable {
            let (what, why) = (visible(&missing.what), visible(&missing.why));
            writeln!(out, "not shown: {what}: {why}")?;
        }
        Ok(())
    }

    fn draw(&self, _: Style, _: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }
}

/// The measured length of a tick.
pub(super) fn interval(when: When) -> String {
    when.interval_s.map_or("-".to_owned(), format_seconds)
}

/// What a view says whose filter takes nothing.
pub(super) fn no_match(
    what: &str,
    all: WithoutFilter,
    units: Units,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let WithoutFilter {
        rows,
        tx_bytes,
        rx_bytes,
    } = all;
    let moved = match (tx_bytes, rx_bytes) {
        (Some(sent), Some(received)) if rows > 0 => {
            let [sent, received] = [sent, received].map(|it| units.size(Bytes(it)));
            format!(" (sent {sent}, received {received} in this tick)")
        }
        _ => String::new(),
    };
    let rows = match rows {
        0 => "none either".to_owned(),
        _ => format!("{rows}{moved}"),
    };
    writeln!(out, "no {what} matches the filter; without it: {rows}")
}

/// Sources that could not be read.
pub(super) fn degraded(health: &Health<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    for source in health.degraded {
        writeln!(out, "not read in this tick: {}", visible(source))?;
    }
    Ok(())
}

/// Breaks words into lines of at most `room` columns. The first begins with `mark`, the others with
/// spaces.
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

/// Like [`indented`], for a sentence that may hold untrusted text. Commands in it stay on one line, to
/// be copied.
pub(super) fn sentence(mark: &str, text: &str, room: usize, out: &mut Vec<u8>) -> io::Result<()> {
    indented(mark, &words(&visible(text)), room, out)
}

/// A finding, with its advice unless that was shown before.
pub(super) fn finding(
    found: &Finding,
    has_advice: bool,
    width: usize,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let room = width.min(SENTENCE);
    judged(found.level.word(), &found.what, room, out)?;
    reasons(found, has_advice, room, out)
}

/// A sentence after its level.
pub(super) fn judged(level: &str, text: &str, room: usize, out: &mut Vec<u8>) -> io::Result<()> {
    sentence(&format!("{level:LEVEL$}"), text, room, out)
}

/// Evidence and advice below a finding.
pub(super) fn reasons(
    found: &Finding,
    has_advice: bool,
    room: usize,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let blank = " ".repeat(LEVEL);
    sentence(&blank, &found.evidence, room, out)?;
    for advice in found.advice.iter().filter(|_| has_advice) {
        sentence(&format!("{blank}-> "), advice, room, out)?;
    }
    Ok(())
}

/// Breaks a sentence into lines of at most `room` columns; commands break only where they must.
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

/// Lines of as many words as fit; a word wider than `room` has a line of its own.
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

/// Splits at spaces, but not within backticks, within a number, or between a number and its unit.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut begin, mut is_quoted) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        is_quoted ^= c == '`';
        if c == ' ' && !is_quoted && !is_within_number(&text[..at], &text[at + 1..]) {
            words.push(&text[begin..at]);
            begin = at + 1;
        }
    }
    words.push(&text[begin..]);
    words
}

/// Whether the space between these two belongs to a quantity.
fn is_within_number(before: &str, behind: &str) -> bool {
    const UNITS: [&str; 12] = [
        "%", "s", "ms", "µs", "B", "kB", "MB", "GB", "kB/s", "MB/s", "MiB", "GiB",
    ];
    let next = behind.split(' ').next().unwrap_or_default();
    let next = next.trim_end_matches(|c: char| ",;.:()".contains(c));
    let is_group = next.len() == 3 && next.bytes().all(|byte| byte.is_ascii_digit());
    before.ends_with(|c: char| c.is_ascii_digit()) && (is_group || UNITS.contains(&next))
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
    fn a_number_keeps_its_unit() {
        assert_eq!(
            lines("", "it takes 100 % of it", 13),
            "it takes\n100 % of it\n"
        );
        assert_eq!(
            lines("", "all 28 232, or 5 of 7 ms", 8),
            "all\n28 232,\nor 5 of\n7 ms\n"
        );
        assert_eq!(lines("", "port 53 10.0.0.1", 8), "port 53\n10.0.0.1\n");
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
