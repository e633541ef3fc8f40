//! Can this be asked for, and if not: where is it wrong?

use super::question::{Kind, Question};

/// Longest part of a name, RFC 1035 section 2.3.4.
const LABEL_MAX: usize = 63;

/// Why a name can't be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameFault {
    /// Position of the error in bytes.
    pub at: usize,
    /// What is wrong there.
    pub why: String,
}

/// What is wrong with `name`, if something is.
pub fn name_fault(name: &str) -> Option<NameFault> {
    let fault = |at, why: &str| {
        Some(NameFault {
            at,
            why: why.to_owned(),
        })
    };
    if name.is_empty() {
        return fault(0, "a name is missing");
    }
    if let Some(at) = name.find(|c: char| c.is_whitespace() || c.is_control()) {
        return fault(at, "a name has no blanks and no control characters");
    }
    if name == "." {
        return None;
    }
    let mut at = 0;
    for label in name.strip_suffix('.').unwrap_or(name).split('.') {
        if label.is_empty() {
            return fault(at, "a part between two dots is missing");
        }
        if label.is_ascii() && label.len() > LABEL_MAX {
            return fault(at, "a part is longer than 63 characters");
        }
        at += label.len() + 1;
    }
    let why = Question::new(name, Kind::A, false).err()?;
    Some(NameFault { at: 0, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_its_place() {
        let place = |name: &str| name_fault(name).map(|fault| fault.at);
        assert_eq!(place("a..b"), Some(2));
        assert_eq!(place(".a"), Some(0));
        assert_eq!(place(&format!("ab.{}", "c".repeat(64))), Some(3));
        assert_eq!(place("a b"), Some(1));
        assert_eq!(place(""), Some(0));
        assert_eq!(place(&"abc.".repeat(70)), Some(0), "longer than 255");
    }

    #[test]
    fn names_that_can_be_asked_for_have_none() {
        for name in [
            ".",
            "a",
            "a.b.",
            "_srv._tcp.x",
            "bücher.example",
            "xn--bcher-kva.example",
        ] {
            assert_eq!(name_fault(name), None, "{name}");
        }
    }
}
