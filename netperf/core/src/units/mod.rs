//! Quantities as people read and write them: each kind has one formatter, here.
//!
//! Sizes and rates are in the units that the user chooses, and are read from the command line.

use std::fmt;

use clap::ValueEnum;

mod count;
mod parse;
mod percent;
mod time;

pub use count::{Growth, PerSecond, counted, grouped};
pub use parse::QuantityError;
pub use percent::Percent;
pub use time::{
    format_duration, format_micros, format_millis, format_seconds, from_micros, from_seconds,
};

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// Bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteRate(pub u64);

/// What a link can carry, in Mbit/s, as links are sold whatever the units: `100 Mbit/s`, `2.5 Gbit/s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkSpeed(pub u32);

impl fmt::Display for LinkSpeed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            mbit @ 0..1_000 => write!(out, "{mbit} Mbit/s"),
            mbit if mbit.is_multiple_of(1_000) => write!(out, "{} Gbit/s", mbit / 1_000),
            mbit => write!(out, "{:.1} Gbit/s", f64::from(mbit) / 1_000.0),
        }
    }
}

/// Units in which the user wants sizes and rates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[expect(
    missing_docs,
    reason = "the units name themselves, and docs would become help text"
)]
pub enum Units {
    /// The decimal unit that suits each number
    #[default]
    Auto,
    #[value(name = "B")]
    B,
    #[value(name = "kB")]
    KB,
    #[value(name = "KiB")]
    KiB,
    #[value(name = "MB")]
    MB,
    #[value(name = "MiB")]
    MiB,
    #[value(name = "bit")]
    Bit,
    #[value(name = "kbit")]
    Kbit,
    #[value(name = "Mbit")]
    Mbit,
}

/// A unit as a fraction: `bits` bits of a number make one of it.
struct Unit {
    prefix: &'static str,
    name: &'static str,
    bits: u128,
}

const BYTE: u128 = 8;

/// Prefixes of thousands, in order. 2^64 bytes are 18.4 EB.
const PREFIXES: [&str; 6] = ["k", "M", "G", "T", "P", "E"];

impl Units {
    /// The next choice of units, in a circle.
    #[must_use]
    pub fn next(self) -> Self {
        let all = Self::value_variants();
        let following = all.iter().skip_while(|&&units| units != self).nth(1);
        following.copied().unwrap_or_default()
    }

    /// A size in three significant digits, or in whole numbers above: `12.3 MB`, `0 B`, `999 kB`.
    /// What a fixed unit is too large for is `<0.01`, never zero.
    pub fn size(self, size: Bytes) -> String {
        let bits = u128::from(size.0) * BYTE;
        self.unit(bits).written(bits)
    }

    /// Queued bytes, in full as other tools print them: in units only where the user chose some, or
    /// from eight digits on.
    pub fn queue(self, waiting: Bytes) -> String {
        match (self, waiting.0) {
            (Self::Auto, bytes @ 0..1_000_000) => bytes.to_string(),
            _ => self.size(waiting),
        }
    }

    /// A rate, like [`Units::size`]: `12.3 MB/s`, `98.4 Mbit/s`.
    pub fn rate(self, rate: ByteRate) -> String {
        self.size(Bytes(rate.0)) + "/s"
    }

    /// A rate beside the speed of a link, which is in bits: so is this one, unless the user chose a unit.
    pub fn link_rate(self, rate: ByteRate) -> String {
        if self != Self::Auto {
            return self.rate(rate);
        }
        let bits = u128::from(rate.0) * BYTE;
        Unit::suitable(bits, "bit", 1).written(bits) + "/s"
    }

    fn unit(self, bits: u128) -> Unit {
        let (prefix, name, bits) = match self {
            Self::Auto => return Unit::suitable(bits, "B", BYTE),
            Self::B => ("", "B", BYTE),
            Self::KB => ("k", "B", BYTE * 1_000),
            Self::KiB => ("Ki", "B", BYTE << 10),
            Self::MB => ("M", "B", BYTE * 1_000_000),
            Self::MiB => ("Mi", "B", BYTE << 20),
            Self::Bit => ("", "bit", 1),
            Self::Kbit => ("k", "bit", 1_000),
            Self::Mbit => ("M", "bit", 1_000_000),
        };
        Unit { prefix, name, bits }
    }
}

impl Unit {
    /// The first of the units with this name in which the number, rounded, has at most three digits.
    fn suitable(bits: u128, name: &'static str, one: u128) -> Self {
        let (mut prefix, mut unit) = ("", one);
        for larger in PREFIXES {
            if rounded(bits, unit) < 1000 {
                break;
            }
            (prefix, unit) = (larger, unit * 1000);
        }
        Self {
            prefix,
            name,
            bits: unit,
        }
    }

    fn written(&self, bits: u128) -> String {
        format!("{} {}{}", digits(bits, self.bits), self.prefix, self.name)
    }
}

/// `amount / unit` in at least three significant digits; bytes and bits are whole by nature.
fn digits(amount: u128, unit: u128) -> String {
    let tenths = rounded(amount * 10, unit);
    let hundredths = rounded(amount * 100, unit);
    if amount == 0 || unit <= BYTE || tenths >= 1000 {
        rounded(amount, unit).to_string()
    } else if hundredths >= 1000 {
        format!("{}.{}", tenths / 10, tenths % 10)
    } else if hundredths > 0 {
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    } else {
        "<0.01".to_owned()
    }
}

fn rounded(amount: u128, unit: u128) -> u128 {
    (amount + unit / 2) / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_takes_the_decimal_unit_that_leaves_three_digits() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1, "1 B"),
            (999, "999 B"),
            (1_000, "1.00 kB"),
            (1_005, "1.01 kB"),
            (9_994, "9.99 kB"),
            (9_995, "10.0 kB"),
            (12_345, "12.3 kB"),
            (99_949, "99.9 kB"),
            (99_950, "100 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (12_300_000, "12.3 MB"),
            (1_500_000_000, "1.50 GB"),
            (2_000_000_000_000, "2.00 TB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(Units::Auto.size(Bytes(bytes)), shown);
            assert_eq!(Units::Auto.rate(ByteRate(bytes)), format!("{shown}/s"));
        }
    }

    #[test]
    fn a_queue_is_written_in_full_where_no_unit_is_chosen() {
        assert_eq!(Units::Auto.queue(Bytes(999_999)), "999999");
        assert_eq!(Units::Auto.queue(Bytes(1_000_000)), "1.00 MB");
        assert_eq!(Units::KB.queue(Bytes(2_304)), "2.30 kB");
    }

    #[test]
    fn a_fixed_unit_is_kept() {
        for (units, bytes, shown) in [
            (Units::B, 12_345_678, "12345678 B"),
            (Units::KB, 12_345_678, "12346 kB"),
            (Units::KB, 12, "0.01 kB"),
            (Units::KB, 1, "<0.01 kB"),
            (Units::KB, 0, "0 kB"),
            (Units::KiB, 1_536, "1.50 KiB"),
            (Units::KiB, 1_024, "1.00 KiB"),
            (Units::MB, 20_000_000, "20.0 MB"),
            (Units::MiB, 20_971_520, "20.0 MiB"),
            (Units::Bit, 3, "24 bit"),
            (Units::Bit, 0, "0 bit"),
            (Units::Kbit, 125, "1.00 kbit"),
            (Units::Mbit, 12_300_000, "98.4 Mbit"),
            (Units::Mbit, 125_000_000, "1000 Mbit"),
            (Units::Mbit, u64::MAX, "147573952589676 Mbit"),
        ] {
            assert_eq!(units.size(Bytes(bytes)), shown);
        }
        assert_eq!(Units::Mbit.rate(ByteRate(12_300_000)), "98.4 Mbit/s");
    }

    #[test]
    fn a_rate_beside_a_link_is_in_bits_where_no_unit_is_chosen() {
        for (bytes, shown) in [
            (0, "0 bit/s"),
            (117_625_000, "941 Mbit/s"),
            (1_250, "10.0 kbit/s"),
        ] {
            assert_eq!(Units::Auto.link_rate(ByteRate(bytes)), shown);
        }
        assert_eq!(Units::MB.link_rate(ByteRate(117_625_000)), "118 MB/s");
    }

    #[test]
    fn links_have_the_speed_that_they_are_sold_by() {
        let texts = [10, 2_500, 100_000].map(|mbit| LinkSpeed(mbit).to_string());
        assert_eq!(texts, ["10 Mbit/s", "2.5 Gbit/s", "100 Gbit/s"]);
    }

    #[test]
    fn automatic_units_are_at_most_nine_columns_wide() {
        let powers = (0..64).map(|power| 1u64 << power);
        for bytes in powers.flat_map(|power| [power - 1, power, power.saturating_mul(10) - 1]) {
            let shown = Units::Auto.rate(ByteRate(bytes));
            assert!(shown.len() <= 9, "{shown}");
        }
    }

    #[test]
    fn the_names_of_units_are_those_of_the_contract() {
        let names = ["auto", "B", "kB", "KiB", "MB", "MiB", "bit", "kbit", "Mbit"];
        for (units, name) in Units::value_variants().iter().zip(names) {
            assert_eq!(units.to_possible_value().unwrap().get_name(), name);
            assert_eq!(Units::from_str(name, false).as_ref(), Ok(units));
        }
        assert_eq!(Units::value_variants().len(), names.len());
        assert!(Units::from_str("KB", false).is_err());
    }

    #[test]
    fn units_follow_each_other_and_begin_again() {
        let mut seen = vec![Units::Auto];
        while let Some(next) = seen
            .last()
            .map(|units| units.next())
            .filter(|&next| next != Units::Auto)
        {
            seen.push(next);
        }
        assert_eq!(seen, Units::value_variants());
    }
}
