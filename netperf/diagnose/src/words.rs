//! How are figures written in a sentence?

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
