//! Text from outside, made safe to show: nothing in it steers a terminal or disturbs a table.
//!
//! Names of processes, interfaces, hosts and cgroups may hold anything. What moves the cursor,
//! changes colours, hides or reorders text is shown as an escape: `\x1b`, `\u{202e}`.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write;
use std::iter::successors;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Marks that are kept on one character: Thai and Vietnamese need two, Hebrew three. More are a
/// way to write over the lines above and below.
const MARKS_MAX: u32 = 3;

/// Text with everything unsafe replaced by visible escapes. Backslashes stay as they are.
pub fn visible(text: &str) -> Cow<'_, str> {
    let mut marks = MARKS_MAX;
    let Some(first) = text.char_indices().find(|&(_, c)| !is_plain(c, &mut marks)) else {
        return Cow::Borrowed(text);
    };
    let (plain, rest) = text.split_at(first.0);
    let mut shown = plain.to_owned();
    for c in rest.chars() {
        if is_plain(c, &mut marks) {
            shown.push(c);
        } else {
            escape(c, &mut shown);
        }
    }
    Cow::Owned(shown)
}

/// An error and all its causes in one text; some errors say their cause themselves.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = successors(Some(error), |error| (*error).source());
    let mut text = String::new();
    for cause in causes.map(ToString::to_string) {
        if !text.ends_with(&cause) {
            let separator = if text.is_empty() { "" } else { ": " };
            text.extend([separator, &cause]);
        }
    }
    text
}

/// Like [`visible`], with each byte that is no UTF-8 as `\xff`.
pub fn visible_bytes(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(bytes) {
        return visible(text);
    }
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&visible(chunk.valid()));
        for byte in chunk.invalid() {
            escape_byte(*byte, &mut shown);
        }
    }
    Cow::Owned(shown)
}

/// Terminal columns that visible text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The beginning of visible text that fits into so many columns, ending in `…` where some is
/// missing. Wide characters are never split, so the result may be a column shorter.
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else {
        return Cow::Borrowed("");
    };
    let mut used = 0;
    let end = text.char_indices().find(|&(_, c)| {
        used += c.width().unwrap_or(0);
        used > room
    });
    let end = end.map_or(text.len(), |(at, _)| at);
    Cow::Owned(format!("{}…", &text[..end]))
}

/// Like [`fit`], but the end of the text is kept, behind `…`.
pub fn fit_end(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else {
        return Cow::Borrowed("");
    };
    let mut used = 0;
    let start = text.char_indices().rev().find(|&(_, c)| {
        used += c.width().unwrap_or(0);
        used > room
    });
    let start = start.map_or(0, |(at, c)| at + c.len_utf8());
    Cow::Owned(format!("…{}", &text[start..]))
}

/// Whether a character takes a cell of its own, or is one of a few marks on a character that does.
/// `marks` counts them; it begins full, since there is nothing yet to stand on.
fn is_plain(c: char, marks: &mut u32) -> bool {
    let (plain, count) = match c.width() {
        None => (false, 0),
        Some(_) if is_format(c) => (false, 0),
        Some(0) => (*marks < MARKS_MAX, marks.saturating_add(1)),
        Some(_) => (true, 0),
    };
    *marks = count;
    plain
}

/// Characters without a shape of their own that hide, join or reorder others. Control characters
/// have no width and need no mention.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}'
        // Fillers, which look like nothing.
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}'
        // Zero-width characters, bidirectional marks, overrides and isolates, line separators.
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        // Variation selectors, byte order mark, interlinear annotations, tags.
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn escape(c: char, shown: &mut String) {
    match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => escape_byte(byte, shown),
        _ => {
            // Writing to a string can't fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        }
    }
}

fn escape_byte(byte: u8, shown: &mut String) {
    let _ = write!(shown, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_is_borrowed_as_it_is() {
        for text in [
            "",
            "rsync -av /a b",
            r"a\x1bb",
            "Žluťoučký",
            "日本語",
            "😀",
            "क",
            "ที่",
            "e\u{301}",
        ] {
            assert!(
                matches!(visible(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
    }

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        for (text, shown) in [
            ("\x1b[2J", r"\x1b[2J"),
            ("a\nb\tc\rd\0", r"a\x0ab\x09c\x0dd\x00"),
            ("\x7f", r"\x7f"),
            ("\u{9b}31m", r"\u{9b}31m"),
            ("a\u{202e}b\u{2066}", r"a\u{202e}b\u{2066}"),
            ("a\u{200b}\u{feff}b", r"a\u{200b}\u{feff}b"),
            ("a\u{2028}b\u{ad}", r"a\u{2028}b\u{ad}"),
            ("\u{e0041}", r"\u{e0041}"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn marks_need_a_character_to_stand_on_and_can_not_pile_up() {
        assert_eq!(visible("\u{301}a"), r"\u{301}a");
        assert_eq!(visible("a\n\u{301}"), "a\\x0a\u{301}");
        assert_eq!(
            visible(&format!("a{}", "\u{301}".repeat(5))),
            "a\u{301}\u{301}\u{301}\\u{301}\\u{301}"
        );
    }

    #[test]
    fn bytes_that_are_no_utf8_are_shown_one_by_one() {
        assert_eq!(visible_bytes(b"a\xff\xc3(\x9b\x1b"), r"a\xff\xc3(\x9b\x1b");
        assert_eq!(visible_bytes("é".as_bytes()), "é");
    }

    #[test]
    fn cut_text_ends_in_an_ellipsis_and_keeps_wide_characters_whole() {
        assert_eq!(fit("rsync", 5), "rsync");
        assert_eq!(fit("rsync", 4), "rsy…");
        assert_eq!(fit("日本語", 6), "日本語");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("日本語", 2), "…");
        assert_eq!(fit("rsync", 1), "…");
        assert_eq!(fit("rsync", 0), "");
        assert_eq!(fit("", 0), "");
        assert_eq!(fit("e\u{301}fg", 2), "e\u{301}…");
    }

    #[test]
    fn the_end_of_a_text_is_kept_without_splitting_characters() {
        assert_eq!(fit_end("10.0.0.5:443", 12), "10.0.0.5:443");
        assert_eq!(fit_end("10.0.0.5:443", 8), "…0.5:443");
        assert_eq!(fit_end("日本語", 5), "…本語");
        assert_eq!(fit_end("日本語", 4), "…語");
        assert_eq!(fit_end("rsync", 1), "…");
        assert_eq!(fit_end("rsync", 0), "");
    }

    /// Characters of all kinds, the odd ones far more often than they would come by chance.
    fn any_text() -> impl Strategy<Value = String> {
        let odd = prop_oneof![
            any::<char>(),
            proptest::char::range('\0', '\u{9f}'),
            proptest::char::range('\u{2000}', '\u{206f}'),
            proptest::char::range('\u{300}', '\u{36f}'),
            proptest::char::range('\u{1f300}', '\u{1faff}'),
            proptest::char::range('\u{600}', '\u{6ff}'),
        ];
        proptest::collection::vec(odd, 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_ever_shown(text in any_text()) {
            let shown = visible(&text);
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_format(c)));
            prop_assert_eq!(visible(&shown), shown.as_ref());
        }

        #[test]
        fn no_bytes_are_ever_shown_raw(bytes: Vec<u8>) {
            prop_assert!(!visible_bytes(&bytes).chars().any(|c| c.is_control() || is_format(c)));
        }

        #[test]
        fn cut_text_never_exceeds_its_columns(text in any_text(), columns in 0_usize..50) {
            let shown = visible(&text);
            let cut = fit(&shown, columns);
            prop_assert!(width(&cut) <= columns);
            prop_assert!(width(&fit_end(&shown, columns)) <= columns);
            let cells: usize = cut.chars().map(|c| c.width().unwrap_or(0)).sum();
            prop_assert!(cut == shown || cells <= columns);
        }
    }
}
