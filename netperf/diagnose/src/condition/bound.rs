//! How is a bound written and read, by what it is a bound of?

use netperf_core::units::{ByteRate, Bytes, Units, format_micros};

/// What the values of a metric are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// A number of things.
    Count,
    /// A share, with or without `%`.
    Percent,
    /// A time with its unit, as µs.
    Time,
    /// Bytes, with or without a unit.
    Size,
    /// Bytes a second, with a unit.
    Rate,
}

impl Quantity {
    /// Reads a bound. The error is what is wrong with it.
    pub(super) fn read(self, text: &str) -> Result<f64, String> {
        match self {
            Self::Count => number(text).ok_or_else(|| format!("`{text}` is no number from 0 on")),
            Self::Percent => {
                let digits = text.strip_suffix('%').unwrap_or(text);
                number(digits)
                    .ok_or_else(|| format!("`{text}` is no share such as `1`, `0.5` or `90%`"))
            }
            Self::Time => time(text)
                .ok_or_else(|| format!("`{text}` is no time such as `500us`, `200ms` or `1.5s`")),
            Self::Size => match number(text) {
                Some(bytes) => Ok(bytes),
                None => bytes(text.parse::<Bytes>().map(|it| it.0)),
            },
            Self::Rate => bytes(text.parse::<ByteRate>().map(|it| it.0)),
        }
    }

    /// A value with its unit.
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Count | Self::Size => format!("{value}"),
            // With a digit more than elsewhere: it stands beside the value that it is compared with.
            Self::Percent if value.fract() == 0.0 => format!("{value:.0} %"),
            Self::Percent => format!("{value:.1} %"),
            Self::Time => format_micros(whole(value)),
            Self::Rate => Units::Auto.rate(ByteRate(whole(value))),
        }
    }
}

fn number(text: &str) -> Option<f64> {
    let number = text.trim_end().parse::<f64>().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

/// A time in µs. Without a unit it could be any.
fn time(text: &str) -> Option<f64> {
    let units = [("ms", 1e3), ("us", 1.0), ("µs", 1.0), ("s", 1e6)];
    let mut read = units
        .into_iter()
        .filter_map(|(unit, micros)| Some(number(text.strip_suffix(unit)?)? * micros));
    read.next()
}

fn bytes<E: ToString>(read: Result<u64, E>) -> Result<f64, String> {
    #[expect(clippy::cast_precision_loss, reason = "no bound needs 53 bits")]
    read.map(|bytes| bytes as f64)
        .map_err(|error| error.to_string())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast keeps to the ends of the range, and values are positive"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
