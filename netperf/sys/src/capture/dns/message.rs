//! What does the beginning of a DNS message say? Header and question only; everything else is the
//! business of whoever asked. Packets are hostile: every read is bounded.

use netperf_core::sample::dns::Rcode;

const HEADER: usize = 12;

/// Longest name, RFC 1035 section 2.3.4.
pub(super) const NAME_MAX: usize = 255;

/// Header and question of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beginning {
    pub(super) number: u16,
    pub(super) is_answer: bool,
    pub(super) truncated: bool,
    pub(super) rcode: Rcode,
    /// Without a dot at its end. Untrusted text.
    pub(super) name: String,
    pub(super) kind: String,
}

/// `None` of what is no query, or has not one question.
pub(super) fn read(message: &[u8]) -> Option<Beginning> {
    let flags = word(message, 2)?;
    // Standard queries only: notifications and updates have other answers.
    let is_query = flags & 0x7800 == 0;
    if !is_query || word(message, 4)? != 1 {
        return None;
    }
    let (name, end) = name(message)?;
    Some(Beginning {
        number: word(message, 0)?,
        is_answer: flags & 0x8000 != 0,
        truncated: flags & 0x0200 != 0,
        rcode: Rcode(flags & 0xf),
        name,
        kind: kind(word(message, end)?),
    })
}

/// The name of the question, and where it ends. A question has no pointers.
pub(super) fn name(message: &[u8]) -> Option<(String, usize)> {
    let mut at = HEADER;
    let mut labels: Vec<String> = Vec::new();
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        match length {
            0 => break,
            1..=63 => {
                let label = message.get(at..at + length)?;
                labels.push(String::from_utf8_lossy(label).into_owned());
                at += length;
            }
            _ => return None,
        }
        if at > HEADER + NAME_MAX {
            return None;
        }
    }
    let name = if labels.is_empty() {
        ".".to_owned()
    } else {
        labels.join(".")
    };
    Some((name, at))
}

fn kind(number: u16) -> String {
    let name = match number {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        12 => "PTR",
        15 => "MX",
        16 => "TXT",
        28 => "AAAA",
        33 => "SRV",
        35 => "NAPTR",
        43 => "DS",
        48 => "DNSKEY",
        64 => "SVCB",
        65 => "HTTPS",
        255 => "ANY",
        257 => "CAA",
        other => return format!("TYPE{other}"),
    };
    name.to_owned()
}

fn word(message: &[u8], at: usize) -> Option<u16> {
    let bytes = message.get(at..at + 2)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::claims::{hold, message};
    use super::*;
    use netperf_core::mutate::damaged;

    #[test]
    fn a_question_has_number_name_and_type() {
        let read = read(&message(7, 0x0100)).unwrap();
        assert_eq!((read.number, read.is_answer), (7, false));
        assert_eq!((read.name.as_str(), read.kind.as_str()), ("x.y", "AAAA"));
    }

    #[test]
    fn an_answer_has_its_result() {
        let read = read(&message(7, 0x8382)).unwrap();
        assert!(read.is_answer && read.truncated);
        assert_eq!(read.rcode, Rcode::SERVFAIL);
    }

    #[test]
    fn what_is_no_question_is_not_read() {
        assert_eq!(read(&message(7, 0x2800)), None, "an update");
        let mut two = message(7, 0x0100);
        two[5] = 2;
        assert_eq!(read(&two), None, "two questions");
        let whole = message(7, 0x0100);
        for length in 0..whole.len() - 2 {
            assert_eq!(read(&whole[..length]), None, "cut after {length}");
        }
        let mut pointer = message(7, 0x0100);
        pointer[12] = 0xc0;
        assert_eq!(read(&pointer), None, "a pointer");
    }

    proptest! {
        #[test]
        fn nothing_is_read_beyond_the_end(packet: Vec<u8>, tail: Vec<u8>) {
            hold(&packet);
            let mut message = message(1, 0x8180);
            message.truncate(13);
            message.extend(tail);
            hold(&message);
        }

        #[test]
        fn a_damaged_message_is_read_like_any_other(packet in damaged(vec![message(7, 0x0100), message(7, 0x8382)])) {
            hold(&packet);
        }
    }
}
