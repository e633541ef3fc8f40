//! Percentages as people read them, with as many digits as matter.

use std::fmt;

/// A percentage: 100 is the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl Percent {
    /// The percentage of a fraction, where 1 is the whole.
    pub fn of(fraction: f64) -> Self {
        Self(fraction * 100.0)
    }
}

/// `0 %`, `0.04 %`, `1.5 %`, `5 %`, `42 %`. What is too small is `<0.01 %`, never zero.
impl fmt::Display for Percent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            it if it.fract() == 0.0 || it >= 9.95 => format!("{it:.0} %"),
            it if it >= 0.095 => format!("{it:.1} %"),
            it if it >= 0.005 => format!("{it:.2} %"),
            _ => "<0.01 %".to_owned(),
        };
        out.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_digits_that_matter_and_small_ones_are_not_nothing() {
        for (percent, text) in [
            (0.0, "0 %"),
            (0.000_2, "<0.01 %"),
            (0.042, "0.04 %"),
            (0.25, "0.2 %"),
            (0.096, "0.1 %"),
            (1.47, "1.5 %"),
            (5.0, "5 %"),
            (9.96, "10 %"),
            (33.33, "33 %"),
            (100.0, "100 %"),
        ] {
            assert_eq!(Percent(percent).to_string(), text);
        }
        assert_eq!(Percent::of(0.98).to_string(), "98 %");
    }
}
