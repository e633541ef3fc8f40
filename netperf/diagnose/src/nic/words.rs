//! How are speeds and shares of a link written?

/// `10 Gbit/s`, `2.5 Gbit/s`, `100 Mbit/s`.
pub fn speed(mbit: u32) -> String {
    match mbit {
        1_000.. if mbit.is_multiple_of(1_000) => format!("{} Gbit/s", mbit / 1_000),
        1_000.. => format!("{:.1} Gbit/s", f64::from(mbit) / 1_000.0),
        _ => format!("{mbit} Mbit/s"),
    }
}

/// Bytes a second in the unit that links are sold by: `941 Mbit/s`.
pub fn bits(bytes_per_s: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let bits = bytes_per_s as f64 * 8.0;
    let (number, unit) = match bits {
        ..1e3 => (bits, "bit/s"),
        ..1e6 => (bits / 1e3, "kbit/s"),
        ..1e9 => (bits / 1e6, "Mbit/s"),
        _ => (bits / 1e9, "Gbit/s"),
    };
    let digits = match number {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{number:.digits$} {unit}")
}

/// A share of packets in percent; small ones are not rounded to nothing.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        it @ 10.0.. => format!("{it:.0} %"),
        it @ 0.1.. => format!("{it:.1} %"),
        it => format!("{it:.4} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_have_the_unit_that_suits() {
        for (mbit, text) in [
            (10, "10 Mbit/s"),
            (2_500, "2.5 Gbit/s"),
            (100_000, "100 Gbit/s"),
        ] {
            assert_eq!(speed(mbit), text);
        }
        for (bytes, text) in [
            (0, "0.00 bit/s"),
            (117_625_000, "941 Mbit/s"),
            (1_250, "10.0 kbit/s"),
        ] {
            assert_eq!(bits(bytes), text);
        }
        for (share, text) in [
            (0.0, "0 %"),
            (0.984, "98 %"),
            (0.012, "1.2 %"),
            (0.000_02, "0.0020 %"),
        ] {
            assert_eq!(percent(share), text);
        }
    }
}
