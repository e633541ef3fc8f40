//! Reads the rates and sizes that users write: `20MB`, `160Mbit/s`.
//!
//! What different tools read differently is refused with both readings, rather than guessed.

use std::str::FromStr;

use super::{ByteRate, Bytes, grouped};
use crate::text::{fit, visible};

/// Largest size or rate that is no typing error: a petabyte (per second).
const MAX_BYTES: u128 = 1_000_000_000_000_000;

/// Digits after the point that count; the rest is below a byte in every unit.
const FRACTION_MAX: usize = 15;

/// Columns of the user's text that an error repeats.
const ECHO_COLUMNS: usize = 40;

/// Why a size or rate can't be used. Each holds what was written, made visible and cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// No number at the beginning.
    #[error("`{0}` is not a number with a unit, such as `20MB` or `160Mbit`")]
    NoNumber(String),
    /// Less than nothing.
    #[error("`{0}` is negative")]
    Negative(String),
    /// Less than one byte.
    #[error("`{0}` is less than one byte")]
    Zero(String),
    /// More than any machine moves.
    #[error("`{0}` is more than 1000 TB")]
    TooLarge(String),
    /// A unit that does not exist.
    #[error("`{text}` has an unknown unit: use B, kB, MB, GB, TB, KiB, MiB, GiB, TiB, \
             bit, kbit, Mbit or Gbit{}", if *.rate { ", and `/s` if you like" } else { "" })]
    UnknownUnit {
        /// The user's text.
        text: String,
        /// Whether a rate was expected.
        rate: bool,
    },
    /// No unit, or one that tools interpret differently.
    #[error("`{text}` can be read in two ways: write {in_bytes}, or {in_bits}")]
    Ambiguous {
        /// The user's text.
        text: String,
        /// How to write it if bytes were meant, and what that is.
        in_bytes: String,
        /// How to write it if bits were meant, and what that is.
        in_bits: String,
    },
}

impl FromStr for ByteRate {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        Quantity { text, rate: true }.read().map(Self)
    }
}

impl FromStr for Bytes {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        Quantity { text, rate: false }.read().map(Self)
    }
}

/// What the user wrote, and whether it is to be a rate.
struct Quantity<'a> {
    text: &'a str,
    rate: bool,
}

impl Quantity<'_> {
    fn read(&self) -> Result<u64, QuantityError> {
        let written = self.text.trim();
        if written.starts_with(['-', '−']) {
            return Err(QuantityError::Negative(self.echo()));
        }
        let (number, unit) = self.split(written)?;
        if number.mantissa == 0 {
            return Err(QuantityError::Zero(self.echo()));
        }
        let per_second = if self.rate { "/s" } else { "" };
        let unit = unit.strip_suffix(per_second).unwrap_or(unit).trim_end();
        match BitsPerUnit::of(unit) {
            Some(unit) => self.bytes(&number, &unit),
            None => Err(self.bad_unit(&number, unit)),
        }
    }

    fn split<'a>(&self, written: &'a str) -> Result<(Number<'a>, &'a str), QuantityError> {
        let is_part = |c: char| c.is_ascii_digit() || c == '.';
        let end = written.find(|c| !is_part(c)).unwrap_or(written.len());
        let (number, unit) = written.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
            return Err(QuantityError::NoNumber(self.echo()));
        }
        let fraction = &fraction[..fraction.len().min(FRACTION_MAX)];
        let Ok(mantissa) = format!("{whole}{fraction}").parse() else {
            return Err(self.too_large());
        };
        let scale = fraction.bytes().fold(1, |scale, _| scale * 10);
        Ok((
            Number {
                text: number,
                mantissa,
                scale,
            },
            unit.trim_start(),
        ))
    }

    /// Whole bytes, rounded down, without going through floating point.
    fn bytes(&self, number: &Number<'_>, unit: &BitsPerUnit) -> Result<u64, QuantityError> {
        let bits = number
            .mantissa
            .checked_mul(unit.0)
            .ok_or_else(|| self.too_large())?;
        let bytes = bits / (number.scale * 8);
        match u64::try_from(bytes) {
            Ok(0) => Err(QuantityError::Zero(self.echo())),
            Ok(whole) if bytes <= MAX_BYTES => Ok(whole),
            _ => Err(self.too_large()),
        }
    }

    fn bad_unit(&self, number: &Number<'_>, unit: &str) -> QuantityError {
        match ambiguous_prefix(unit, number) {
            Some(prefix) => self.ambiguous(number, prefix).unwrap_or_else(|error| error),
            None => QuantityError::UnknownUnit {
                text: self.echo(),
                rate: self.rate,
            },
        }
    }

    fn ambiguous(&self, number: &Number<'_>, prefix: &str) -> Result<QuantityError, QuantityError> {
        Ok(QuantityError::Ambiguous {
            text: self.echo(),
            in_bytes: self.reading(number, &format!("{prefix}B"))?,
            in_bits: self.reading(number, &format!("{prefix}bit"))?,
        })
    }

    fn reading(&self, number: &Number<'_>, unit: &str) -> Result<String, QuantityError> {
        let bits = BitsPerUnit::of(unit).ok_or_else(|| self.too_large())?;
        let bytes = grouped(self.bytes(number, &bits)?);
        let per_second = if self.rate { " per second" } else { "" };
        Ok(format!(
            "`{}{unit}` for {bytes} bytes{per_second}",
            number.text
        ))
    }

    fn too_large(&self) -> QuantityError {
        QuantityError::TooLarge(self.echo())
    }

    fn echo(&self) -> String {
        fit(&visible(self.text), ECHO_COLUMNS).into_owned()
    }
}

/// `mantissa / scale`, as it was written.
struct Number<'a> {
    text: &'a str,
    mantissa: u128,
    scale: u128,
}

struct BitsPerUnit(u128);

impl BitsPerUnit {
    fn of(unit: &str) -> Option<Self> {
        let (base, prefix, bits) = if let Some(prefix) = unit.strip_suffix("bit") {
            (1000_u128, prefix, 1)
        } else if let Some(prefix) = unit.strip_suffix("iB") {
            (1024, Some(prefix).filter(|prefix| !prefix.is_empty())?, 8)
        } else {
            (1000, unit.strip_suffix('B')?, 8)
        };
        let power = match prefix {
            "" => 0,
            "k" | "K" => 1,
            "M" => 2,
            "G" => 3,
            "T" => 4,
            _ => return None,
        };
        Some(Self(base.pow(power) * bits))
    }
}

/// The prefix of a unit that may mean bits or bytes (`Mb`, `mbps`, `K`, or none at all), in the
/// spelling that is understood; `None` for other units.
fn ambiguous_prefix(unit: &str, number: &Number<'_>) -> Option<&'static str> {
    let unit = unit.to_ascii_lowercase();
    // Who writes a small number without a unit rarely means bytes.
    if unit.is_empty() {
        return Some(if number.mantissa / number.scale < 10_000 {
            "M"
        } else {
            ""
        });
    }
    let stem = ["bps", "b"]
        .iter()
        .find_map(|end| unit.strip_suffix(end))
        .unwrap_or(&unit);
    match stem {
        "" => Some(""),
        "k" => Some("k"),
        "m" => Some("M"),
        "g" => Some("G"),
        "t" => Some("T"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Result<u64, QuantityError> {
        text.parse().map(|ByteRate(bytes)| bytes)
    }

    fn message(text: &str) -> String {
        rate(text).unwrap_err().to_string()
    }

    #[test]
    fn rates_are_read_exactly() {
        for (text, bytes) in [
            ("20MB", 20_000_000),
            ("20MiB", 20_971_520),
            ("20kB", 20_000),
            ("20KB", 20_000),
            ("160Mbit", 20_000_000),
            ("20MB/s", 20_000_000),
            (" 20 MB/s ", 20_000_000),
            ("20 MB /s", 20_000_000),
            ("1B", 1),
            ("8bit", 1),
            ("1Gbit/s", 125_000_000),
            ("80kbit", 10_000),
            ("80Kbit", 10_000),
            ("1.5MB", 1_500_000),
            ("0.1GB", 100_000_000),
            ("0.001kB", 1),
            ("1.9999kB", 1_999),
            ("12bit", 1),
            (
                "1.50000000000000000000000000000000000000000000000000MB",
                1_500_000,
            ),
            ("1.000001TB", 1_000_001_000_000),
            ("0.3MiB", 314_572),
            ("0000000000000000000000000000000000000000000000001B", 1),
            ("1000TB", 1_000_000_000_000_000),
        ] {
            assert_eq!(rate(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_like_rates_but_not_per_second() {
        assert_eq!("1.5GiB".parse(), Ok(Bytes(1_610_612_736)));
        let error = "1GB/s".parse::<Bytes>().unwrap_err().to_string();
        assert!(error.starts_with("`1GB/s` has an unknown unit"), "{error}");
        let error = "1Gb".parse::<Bytes>().unwrap_err().to_string();
        assert!(
            error.ends_with("or `1Gbit` for 125 000 000 bytes"),
            "{error}"
        );
    }

    #[test]
    fn units_that_tools_read_differently_get_both_readings() {
        for text in [
            "20Mb", "20mb", "20mbps", "20Mbps", "20MBps", "20Mb/s", "20M", "20m", "20mB",
        ] {
            assert_eq!(
                message(text),
                format!(
                    "`{text}` can be read in two ways: write `20MB` for 20 000 000 bytes per \
                     second, or `20Mbit` for 2 500 000 bytes per second"
                )
            );
        }
    }

    #[test]
    fn a_number_without_a_unit_gets_both_readings() {
        assert!(message("20").contains("`20MB` for 20 000 000 bytes per second, or `20Mbit` for"));
        assert!(message("1.5/s").contains("`1.5MB` for 1 500 000 bytes"));
        assert!(message("2000000").contains("`2000000B` for 2 000 000 bytes"));
        assert!(message("2000000").contains("`2000000bit` for 250 000 bytes"));
        assert!(message("80b").contains("`80B` for 80 bytes per second, or `80bit` for 10 bytes"));
    }

    #[test]
    fn zero_negative_and_absurd_values_are_errors() {
        use QuantityError::{Negative, TooLarge, Zero};
        let text = |text: &str| text.to_owned();
        assert_eq!(rate("0MB"), Err(Zero(text("0MB"))));
        assert_eq!(rate("0"), Err(Zero(text("0"))));
        assert_eq!(rate("0.0000MB"), Err(Zero(text("0.0000MB"))));
        assert_eq!(rate("0.9B"), Err(Zero(text("0.9B"))));
        assert_eq!(rate("7bit"), Err(Zero(text("7bit"))));
        assert_eq!(rate("-5MB"), Err(Negative(text("-5MB"))));
        assert_eq!(rate("1001TB"), Err(TooLarge(text("1001TB"))));
        assert_eq!(
            rate("1000.000000000001TB"),
            Err(TooLarge(text("1000.000000000001TB")))
        );
        for digits in [20, 30, 38, 39, 40, 1000] {
            assert!(matches!(
                rate(&format!("{}MB", "9".repeat(digits))),
                Err(TooLarge(_))
            ));
        }
    }

    #[test]
    fn what_is_no_number_is_named() {
        for text in [
            "", "   ", "MB", ".5MB", "5.MB", "1.2.3MB", "..", "+5MB", "inf", "NaN", "５MB",
        ] {
            assert!(
                matches!(rate(text), Err(QuantityError::NoNumber(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn unknown_units_get_the_list() {
        for text in [
            "20XB",
            "20 parsecs",
            "1e6B",
            "1,5MB",
            "20iB",
            "20Mib",
            "20mbit",
            "2MBit",
            "20MB/h",
            "20MB/s/s",
            "20MB x",
            "5PB",
        ] {
            assert!(message(text).contains("unknown unit: use B, kB,"), "{text}");
        }
    }

    #[test]
    fn errors_repeat_no_escape_sequences_and_not_too_much() {
        assert!(message("20\x1b[2J").starts_with(r"`20\x1b[2J` has"));
        assert!(message(&"z".repeat(5000)).len() < 200);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_rate_in_range_or_an_error(text in "[0-9.]{0,40} ?[kKMGTibBps/é-]{0,6}") {
            if let Ok(bytes) = rate(&text) {
                proptest::prop_assert!(bytes > 0 && u128::from(bytes) <= MAX_BYTES);
            }
        }

        #[test]
        fn whole_numbers_of_bytes_are_read_as_written(bytes in 1..=1_000_000_000_000_000_u64) {
            proptest::prop_assert_eq!(rate(&format!("{bytes}B/s")), Ok(bytes));
            proptest::prop_assert_eq!(rate(&format!("{}bit", bytes * 8)), Ok(bytes));
        }
    }
}
