//! How are figures written in a sentence?

/// A number in groups of three digits: `28 232`.
pub fn grouped(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A number of things, in the singular where it is one.
pub fn counted(number: impl Into<u64>, one: &str, many: &str) -> String {
    let number = number.into();
    format!(
        "{} {}",
        grouped(number),
        if number == 1 { one } else { many }
    )
}

/// A span of time in the unit that suits it: `2.5 s`, `40 s`, `12 min`, `5 h`.
pub fn span(seconds: f64) -> String {
    match seconds {
        ..10.0 => format!("{seconds:.1} s"),
        ..120.0 => format!("{seconds:.0} s"),
        ..7_200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.0} h", seconds / 3_600.0),
    }
}

/// A process, by name and number.
pub fn process(name: Option<&str>, pid: Option<u32>) -> String {
    match (name, pid) {
        (Some(name), Some(pid)) => format!("{name} (PID {pid})"),
        _ => "a process that can't be seen".to_owned(),
    }
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
    fn times_have_the_unit_that_suits() {
        for (seconds, text) in [
            (0.25, "0.2 s"),
            (59.6, "60 s"),
            (119.0, "119 s"),
            (600.0, "10 min"),
            (7_200.0, "2 h"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
