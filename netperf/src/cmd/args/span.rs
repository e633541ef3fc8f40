//! Parses durations with units, such as `10m`.

use std::time::Duration;

/// Longest duration: a century.
const MAX_SECS: u64 = 100 * 366 * 86_400;

/// Parses `90s`, `10m`, `1h30m`, `2d`.
pub(in crate::cmd) fn span(text: &str) -> Result<Duration, String> {
    const WANTED: &str = "a time is written as `90s`, `10m`, `1h30m` or `2d`";
    let mut rest = text.trim();
    let mut seconds: u64 = 0;
    if rest.is_empty() {
        return Err(WANTED.to_owned());
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, unit) = rest.split_at(digits);
        let Ok(number) = number.parse::<u64>() else {
            return Err(WANTED.to_owned());
        };
        let mut letters = unit.chars();
        let length = match letters.next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            Some(_) => return Err(WANTED.to_owned()),
            None => {
                return Err(format!(
                    "`{number}` of what? Write `{number}s` for seconds, or `{number}m` for minutes"
                ));
            }
        };
        let more = number.checked_mul(length);
        let sum = more.and_then(|more| seconds.checked_add(more));
        seconds = sum
            .filter(|&sum| sum <= MAX_SECS)
            .ok_or("more than a century")?;
        rest = letters.as_str();
    }
    if seconds == 0 {
        return Err("no time at all".to_owned());
    }
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_units_and_may_be_put_together() {
        for (text, seconds) in [
            ("90s", 90),
            ("10m", 600),
            ("1h30m", 5400),
            ("2d", 172_800),
            (" 5s ", 5),
        ] {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused_and_a_bare_number_gets_both_readings() {
        let bare = span("10").unwrap_err();
        assert!(
            bare.contains("`10s` for seconds, or `10m` for minutes"),
            "{bare}"
        );
        for text in [
            "",
            "m",
            "-5s",
            "10x",
            "1.5h",
            "0s",
            "h1",
            "9999999999d",
            "ten",
        ] {
            assert!(span(text).is_err(), "{text}");
        }
    }
}
