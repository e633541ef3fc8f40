//! Durations as people read them, the same everywhere: `1.20 ms`, `2.50 s`, `40 s`, `9m58s`.

use std::time::Duration;

/// From here on, a duration is written in minutes, hours or days.
const LONG: Duration = Duration::from_mins(2);

/// In three digits up to ten seconds, then in whole ones, from two minutes on in two units: `73 µs`,
/// `1.20 ms`, `23.5 ms`, `2.50 s`, `40 s`, `9m58s`, `3h20m`, `5d04h`. Whole seconds, as users
/// choose them, have no fraction: `1 s`.
pub fn format_duration(time: Duration) -> String {
    let micros = rounded(time.as_nanos(), 1_000);
    match micros {
        _ if time >= LONG => long(rounded(micros, 1_000_000)),
        _ if time.subsec_nanos() == 0 => format!("{} s", time.as_secs()),
        0..1_000 => format!("{micros} µs"),
        1_000..9_995 => format!("{} ms", hundredths(micros)),
        9_995..99_950 => format!("{} ms", tenths(micros)),
        99_950..999_500 => format!("{} ms", rounded(micros, 1_000)),
        999_500..9_995_000 => format!("{} s", hundredths(rounded(micros, 1_000))),
        _ => format!("{} s", rounded(micros, 1_000_000)),
    }
}

/// Formats microseconds like [`format_duration`].
pub fn format_micros(micros: impl Into<u64>) -> String {
    format_duration(from_micros(micros))
}

/// Formats seconds like [`format_duration`].
pub fn format_seconds(seconds: f64) -> String {
    format_duration(from_seconds(seconds))
}

/// Formats whole milliseconds like [`format_duration`]; below a second without a fraction.
pub fn format_millis(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        _ => format_duration(Duration::from_millis(millis)),
    }
}

/// Microseconds as a duration.
pub fn from_micros(micros: impl Into<u64>) -> Duration {
    Duration::from_micros(micros.into())
}

/// Seconds as a duration; zero for negative values and for NaN.
pub fn from_seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// Two adjacent units: `3h20m`.
fn long(seconds: u128) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if minutes < 60 {
        format!("{minutes}m{:02}s", seconds % 60)
    } else if hours < 24 {
        format!("{hours}h{:02}m", minutes % 60)
    } else {
        format!("{days}d{:02}h", hours % 24)
    }
}

/// Thousandths of a unit, written as the unit with two decimals.
fn hundredths(thousandths: u128) -> String {
    let hundredths = rounded(thousandths, 10);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Thousandths of a unit, written as the unit with one decimal.
fn tenths(thousandths: u128) -> String {
    let tenths = rounded(thousandths, 100);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn rounded(amount: u128, unit: u128) -> u128 {
    (amount + unit / 2) / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_times_have_three_digits() {
        for (micros, text) in [
            (0_u32, "0 s"),
            (73, "73 µs"),
            (1_200, "1.20 ms"),
            (9_994, "9.99 ms"),
            (9_996, "10.0 ms"),
            (23_456, "23.5 ms"),
            (99_960, "100 ms"),
            (999_499, "999 ms"),
            (999_500, "1.00 s"),
            (2_500_000, "2.50 s"),
            (9_994_000, "9.99 s"),
            (9_995_000, "10 s"),
            (40_400_000, "40 s"),
            (119_400_000, "119 s"),
        ] {
            assert_eq!(format_micros(micros), text);
        }
    }

    #[test]
    fn whole_seconds_have_no_fraction() {
        let texts = [1, 5, 10, 119].map(|it| format_duration(Duration::from_secs(it)));
        assert_eq!(texts, ["1 s", "5 s", "10 s", "119 s"]);
    }

    #[test]
    fn whole_milliseconds_have_no_fraction() {
        let texts = [0, 50, 999, 1_500].map(format_millis);
        assert_eq!(texts, ["0 ms", "50 ms", "999 ms", "1.50 s"]);
    }

    #[test]
    fn long_times_have_two_units() {
        for (long, text) in [
            (120.0, "2m00s"),
            (597.5, "9m58s"),
            (3_599.0, "59m59s"),
            (12_000.0, "3h20m"),
            (446_400.0, "5d04h"),
        ] {
            assert_eq!(format_duration(from_seconds(long)), text);
        }
    }

    #[test]
    fn no_number_of_seconds_is_no_time() {
        assert_eq!(from_seconds(f64::NAN), Duration::ZERO);
        assert_eq!(from_seconds(-1.0), Duration::ZERO);
        assert_eq!(from_seconds(f64::INFINITY), Duration::MAX);
    }
}
