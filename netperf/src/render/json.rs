//! Reports as JSON: one object a line, integers in base units.

use std::io;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// Writes one object on a line of its own.
///
/// # Errors
/// When a value can't be written.
pub(super) fn line(object: &impl Serialize, out: &mut Vec<u8>) -> io::Result<()> {
    object.serialize(&mut Serializer::with_formatter(&mut *out, Escaped))?;
    out.push(b'\n');
    Ok(())
}

/// Writes JSON on one line, with every control character escaped. JSON allows DEL and the C1 range
/// unescaped, but some terminals obey them.
struct Escaped;

impl Formatter for Escaped {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some(at) = rest.find(char::is_control) {
            let (plain, tail) = rest.split_at(at);
            let mut characters = tail.chars();
            let control = characters.next().map_or(0, u32::from);
            write!(writer, "{plain}\\u{control:04x}")?;
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escapes_that_mean_the_same() {
        let hostile = "a\u{1b}[2J\u{7f}\u{9b}31mé\n\"";
        let mut out = Vec::new();
        line(&hostile, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches(char::is_control).collect::<String>(), "\n");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
