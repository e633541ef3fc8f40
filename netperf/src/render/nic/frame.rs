//! Redraws a text in place, without taking over the terminal.

/// Escape codes: move to the first line; clear the rest of a line; clear the rest of the screen.
const HOME: &[u8] = b"\x1b[H";
const CLEAR_LINE: &[u8] = b"\x1b[K\r\n";
const CLEAR_REST: &[u8] = b"\x1b[J";

/// As much of the text as fits a terminal with so many lines. The last line stays free, because a
/// terminal scrolls after writing to it.
pub(super) fn write(text: &[u8], lines: Option<usize>, out: &mut Vec<u8>) {
    let all: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
    let room = lines.map_or(all.len(), |lines| lines.saturating_sub(1).max(1));
    let shown = if all.len() > room {
        room - 1
    } else {
        all.len()
    };
    out.extend_from_slice(HOME);
    for line in &all[..shown] {
        out.extend_from_slice(line);
        out.extend_from_slice(CLEAR_LINE);
    }
    if shown < all.len() {
        let more = all.len() - shown;
        let text = format!("… {more} more lines: -b shows all, -i NAME one interface; q ends");
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(CLEAR_LINE);
    }
    out.extend_from_slice(CLEAR_REST);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, lines: Option<usize>) -> String {
        let mut out = Vec::new();
        write(text.as_bytes(), lines, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_has_no_room_is_counted_and_nothing_scrolls() {
        assert_eq!(
            drawn("a\nb", Some(10)),
            "\x1b[Ha\x1b[K\r\nb\x1b[K\r\n\x1b[J"
        );
        for lines in 1..9 {
            let text = drawn("1\n2\n3\n4\n5\n6\n7\n8\n9\n10", Some(lines));
            let drawn = text.matches('\n').count();
            assert!(drawn < lines.max(2), "{drawn} of {lines}");
            assert!(text.contains("more lines"));
        }
        assert!(drawn("1\n2\n3\n4\n5\n6\n7\n8\n9\n10", Some(5)).contains("… 7 more lines"));
        assert!(!drawn("1\n2\n3", None).contains("more lines"));
    }
}
