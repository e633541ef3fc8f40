//! How does a sentence name the time that was measured?

use std::fmt;

use netperf_core::units::format_seconds;

/// How long was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Period {
    /// From one tick to the next.
    Tick,
    /// So many seconds, from the beginning to the end.
    Seconds(f64),
}

impl Period {
    /// As a noun: `this tick`, or `that` where it was named before.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Tick => "this tick",
            Self::Seconds(_) => "that",
        }
    }
}

/// `in this tick`, or `in 10 s`.
impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick => out.write_str("in this tick"),
            Self::Seconds(seconds) => write!(out, "in {}", format_seconds(*seconds)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_tick_or_so_many_seconds() {
        assert_eq!(Period::Tick.to_string(), "in this tick");
        assert_eq!(Period::Seconds(9.98).to_string(), "in 9.98 s");
    }
}
