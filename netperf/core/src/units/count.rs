//! Counts as people read them: digits in groups of three, with a noun, or per second.

use std::fmt;

/// A rate of events per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct PerSecond(pub f64);

/// A change per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Growth(pub f64);

/// Written as `3.1`, or `250` from a hundred on.
impl fmt::Display for PerSecond {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.*}", digits(self.0), self.0)
    }
}

/// Written with its sign: `+3.1`, `-250`, `0`.
impl fmt::Display for Growth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0.0 => write!(out, "0"),
            growth => write!(out, "{growth:+.*}", digits(growth)),
        }
    }
}

/// Digits after the point: one below a hundred, none above.
fn digits(per_s: f64) -> usize {
    usize::from(per_s.abs() < 99.95)
}

/// A number in groups of three digits: `28 232`.
pub fn grouped(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun, singular or plural: `1 packet`, `28 232 packets`.
pub fn counted(number: impl Into<u64>, one: &str, many: &str) -> String {
    let number = number.into();
    let things = if number == 1 { one } else { many };
    format!("{} {things}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_in_groups() {
        for (number, text) in [
            (0_u32, "0"),
            (999, "999"),
            (8_000, "8 000"),
            (28_232, "28 232"),
            (1_234_567, "1 234 567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn one_thing_is_in_the_singular() {
        assert_eq!(counted(1_u32, "packet", "packets"), "1 packet");
        assert_eq!(counted(8_000_u32, "packet", "packets"), "8 000 packets");
    }

    #[test]
    fn rates_have_no_fraction_from_a_hundred_on() {
        let texts = [0.0, 3.125, 99.96, 349.2].map(|it| PerSecond(it).to_string());
        assert_eq!(texts, ["0.0", "3.1", "100", "349"]);
        assert_eq!(Growth(-250.4).to_string(), "-250");
    }

    #[test]
    fn a_change_has_a_sign_and_none_has_not() {
        let texts = [3.125, -0.5, 0.0].map(|it| Growth(it).to_string());
        assert_eq!(texts, ["+3.1", "-0.5", "0"]);
    }
}
