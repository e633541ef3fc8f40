//! Parses the rates that a limit accepts.

use netperf_core::sample::limit::Rates;
use netperf_core::units::ByteRate;

/// Lowest rate: about seven packets per second. Below it, connections time out.
const LOWEST: u64 = 10_000;

/// Bytes of a full packet; a rate below one packet per second moves nothing.
const PACKET: u64 = 1_500;

/// Highest rate: no queue keeps up above it.
const HIGHEST: u64 = 10_000_000_000;

/// Reads one rate that a limit can have.
///
/// # Errors
/// What is wrong with it.
pub fn rate(text: &str) -> Result<ByteRate, String> {
    let rate: ByteRate = text.parse().map_err(|error| format!("{error}"))?;
    let ByteRate(bytes) = rate;
    if bytes < PACKET {
        return Err(format!(
            "{bytes} bytes a second are less than one packet a second: connections would not get \
             slow, but break. The lowest limit is 10 kB a second; to stop a process, use `kill -STOP`"
        ));
    }
    if bytes < LOWEST {
        return Err(format!(
            "{bytes} bytes a second are less than 10 kB a second, the lowest limit: below seven \
             packets a second connections time out"
        ));
    }
    if bytes > HIGHEST {
        return Err("more than 10 GB a second, the highest limit".to_owned());
    }
    Ok(rate)
}

/// Reads `20MB` (both directions), `up 5MB`, `down 5MB` or `up 5MB down 20MB`.
///
/// # Errors
/// What is wrong with it.
pub fn rates(text: &str) -> Result<Rates, String> {
    let mut wanted = Rates::default();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let mut of_next = || rate(words.next().unwrap_or_default());
        match word {
            "up" if wanted.up.is_none() => wanted.up = Some(of_next()?),
            "down" if wanted.down.is_none() => wanted.down = Some(of_next()?),
            // `20 MB`, too.
            _ if wanted == Rates::default() => {
                let both = Some(rate(text)?);
                return Ok(Rates {
                    up: both,
                    down: both,
                });
            }
            _ => return Err("write `20MB`, `up 5MB`, `down 5MB` or `up 5MB down 20MB`".to_owned()),
        }
    }
    if wanted == Rates::default() {
        return Err("a rate is a number with a unit, such as `20MB`".to_owned());
    }
    Ok(wanted)
}

/// The rate plus or minus a tenth, within the bounds of a limit.
pub fn changed(rate: ByteRate, more: bool) -> ByteRate {
    let tenth = rate.0 / 10;
    let changed = if more { rate.0 + tenth } else { rate.0 - tenth };
    ByteRate(changed.clamp(LOWEST, HIGHEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_outside_the_bounds_are_refused_with_the_reason() {
        for (text, reason) in [
            ("1kB", "less than one packet a second"),
            ("9999B", "below seven packets a second"),
            ("11GB", "the highest limit"),
            ("0", "less than one byte"),
            ("-5MB", "is negative"),
            ("20Mb", "can be read in two ways"),
        ] {
            let error = rate(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert_eq!(rate("10kB"), Ok(ByteRate(10_000)));
        assert_eq!(rate("10GB"), Ok(ByteRate(10_000_000_000)));
    }

    #[test]
    fn one_rate_is_for_both_directions_and_words_say_which() {
        let both = |up: u64, down: u64| Rates {
            up: (up > 0).then_some(ByteRate(up)),
            down: (down > 0).then_some(ByteRate(down)),
        };
        assert_eq!(rates("20MB"), Ok(both(20_000_000, 20_000_000)));
        assert_eq!(rates(" 20 MB "), Ok(both(20_000_000, 20_000_000)));
        assert_eq!(rates("up 5MB"), Ok(both(5_000_000, 0)));
        assert_eq!(rates("down 1MB up 5MB"), Ok(both(5_000_000, 1_000_000)));
        for wrong in ["", "up", "up 5MB up 6MB", "up 5MB 6MB", "20", "fast"] {
            assert!(rates(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_step_is_a_tenth_and_stays_within_the_bounds() {
        assert_eq!(changed(ByteRate(20_000_000), true), ByteRate(22_000_000));
        assert_eq!(changed(ByteRate(20_000_000), false), ByteRate(18_000_000));
        assert_eq!(changed(ByteRate(10_000), false), ByteRate(10_000));
        assert_eq!(changed(ByteRate(9_999_999_999), true), ByteRate(HIGHEST));
    }
}
