//! How is a host's name asked for and read, on the wire? RFC 1035, only what a PTR query needs.
//!
//! Replies are hostile: every read is bounded, and a name is text that may hold anything.

use std::fmt::Write;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;

const PTR: u16 = 12;
const INTERNET: u16 = 1;
const HEADER: usize = 12;
/// Bits of the fourth byte that hold the error code; 0 is none.
const ERROR_CODE: u8 = 0x0f;
/// Longest name, RFC 1035 section 2.3.4.
const NAME_MAX: usize = 255;

/// A question for the name of one address.
pub(super) struct Question(Vec<u8>);

/// What a server said: a name, or that there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) name: Option<String>,
}

impl Question {
    /// Asks for the name of `address`, under a number that can't be guessed.
    pub(super) fn new(address: IpAddr) -> Self {
        let random = RandomState::new().build_hasher().finish().to_be_bytes();
        // Recursion desired; one question, nothing else.
        let mut bytes = vec![random[0], random[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in reverse_name(address).split('.') {
            bytes.push(u8::try_from(label.len()).unwrap_or(0));
            bytes.extend(label.bytes());
        }
        bytes.push(0);
        bytes.extend(PTR.to_be_bytes());
        bytes.extend(INTERNET.to_be_bytes());
        Self(bytes)
    }

    /// The packet to send.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// What `reply` answers; `None` if it is no reply to this question.
    pub(super) fn answer(&self, reply: &[u8]) -> Option<Answer> {
        let is_reply = reply.get(2)? & 0x80 != 0;
        let same_number = reply.get(..2)? == &self.0[..2];
        let one_question = number(reply, 4)? == 1;
        let same_question = reply.get(HEADER..self.0.len())? == &self.0[HEADER..];
        (is_reply && same_number && one_question && same_question).then(|| {
            let found = reply[3] & ERROR_CODE == 0;
            Answer {
                name: if found { self.first_name(reply) } else { None },
            }
        })
    }

    fn first_name(&self, reply: &[u8]) -> Option<String> {
        let mut at = self.0.len();
        for _ in 0..number(reply, 6)? {
            at = after_name(reply, at)?;
            let (kind, class) = (number(reply, at)?, number(reply, at + 2)?);
            let length = usize::from(number(reply, at + 8)?);
            at += 10;
            if (kind, class) == (PTR, INTERNET) {
                return name(reply, at);
            }
            at += length;
        }
        None
    }
}

fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let mut name = String::new();
            for byte in address.octets().iter().rev() {
                // Writing to a string can't fail.
                let _ = write!(name, "{:x}.{:x}.", byte & 0xf, byte >> 4);
            }
            name + "ip6.arpa"
        }
    }
}

/// Where the name that begins at `at` ends, without following pointers.
fn after_name(reply: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = *reply.get(at)?;
        match length {
            0 => return Some(at + 1),
            1..=63 => at += 1 + usize::from(length),
            192.. => return Some(at + 2),
            _ => return None,
        }
    }
}

/// The name that begins at `at`. Pointers may only go back, so there is no loop.
fn name(reply: &[u8], mut at: usize) -> Option<String> {
    let mut name: Vec<u8> = Vec::new();
    let mut earliest = at;
    loop {
        let length = usize::from(*reply.get(at)?);
        match length {
            0 => break,
            1..=63 => {
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend(reply.get(at + 1..=at + length)?);
                at += 1 + length;
            }
            192.. => {
                at = usize::from(number(reply, at)?) & 0x3fff;
                if at >= earliest {
                    return None;
                }
                earliest = at;
            }
            _ => return None,
        }
        if name.len() > NAME_MAX {
            return None;
        }
    }
    (!name.is_empty()).then(|| String::from_utf8_lossy(&name).into_owned())
}

fn number(reply: &[u8], at: usize) -> Option<u16> {
    let bytes = reply.get(at..at + 2)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// What holds of every reply that anybody can send? For the unit tests and the fuzzer.
#[cfg(any(test, fuzzing))]
pub(super) mod claims {
    use super::*;

    /// A reply to `question` with one PTR record that holds `name`.
    pub(in crate::reverse) fn reply(question: &[u8], name: &[u8]) -> Vec<u8> {
        let mut reply = question.to_vec();
        reply[2] |= 0x80;
        reply[7] = 1;
        reply.extend([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60]);
        reply.extend(u16::try_from(name.len()).unwrap_or(0).to_be_bytes());
        reply.extend(name);
        reply
    }

    /// A question whose number is known.
    pub(super) fn numbered() -> Question {
        let mut question = Question::new([192, 0, 2, 1].into());
        question.0[..2].copy_from_slice(&[0x12, 0x34]);
        question
    }

    /// Replies with a name, with one through pointers, and with an alias first.
    pub(super) fn replies(question: &Question) -> Vec<Vec<u8>> {
        let question = question.bytes();
        let mut alias = reply(question, b"\x01a\0");
        alias[question.len() + 3] = 5;
        alias[7] = 2;
        alias.extend([1, b'a', 0, 0, 12, 0, 1, 0, 0, 0, 60, 0, 3, 1, b'h', 0]);
        vec![
            reply(question, b"\x04host\x03org\0"),
            reply(question, b"\x01x\xc0\x16"),
            alias,
        ]
    }

    /// Reads a reply, and panics if another question's is taken, or a name that can't be one.
    pub(super) fn hold(question: &Question, reply: &[u8]) {
        let Some(Answer { name }) = question.answer(reply) else {
            return;
        };
        assert_eq!(reply[..2], question.bytes()[..2]);
        // A byte that is no text becomes a character of three.
        assert!(name.is_none_or(|name| (1..=3 * NAME_MAX).contains(&name.len())));
    }

    /// For `tests/fuzz`. The first byte says what is damaged.
    #[cfg(fuzzing)]
    pub fn fuzz(bytes: &[u8]) {
        let Some((&choice, script)) = bytes.split_first() else {
            return;
        };
        let question = numbered();
        let reply = netperf_core::mutate::one_patched(&replies(&question), choice, script);
        hold(&question, &reply);
    }
}

#[cfg(fuzzing)]
pub use self::claims::fuzz;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::claims::{hold, numbered, reply};
    use super::*;
    use netperf_core::mutate::damaged;

    fn question() -> Question {
        Question::new("192.0.2.1".parse().unwrap())
    }

    fn named(name: &[u8]) -> Option<String> {
        let question = question();
        question
            .answer(&reply(question.bytes(), name))
            .unwrap()
            .name
    }

    #[test]
    fn addresses_are_asked_for_in_reverse() {
        assert_eq!(
            reverse_name("192.0.2.1".parse().unwrap()),
            "1.2.0.192.in-addr.arpa"
        );
        let v6 = reverse_name("2001:db8::1".parse().unwrap());
        assert!(v6.starts_with("1.0.0.0.0.0.0.0.") && v6.ends_with(".8.b.d.0.1.0.0.2.ip6.arpa"));
        assert_eq!(v6.len(), 72);
    }

    #[test]
    fn a_name_is_read_also_through_a_pointer() {
        assert_eq!(
            named(b"\x07example\x03org\0").as_deref(),
            Some("example.org")
        );
        // `in-addr.arpa` of the question stands at offset 12 + 2 + 2 + 2 + 4 = 22.
        assert_eq!(named(b"\x01x\xc0\x16").as_deref(), Some("x.in-addr.arpa"));
    }

    #[test]
    fn a_name_after_an_alias_is_found() {
        let question = question();
        let mut packet = question.bytes().to_vec();
        packet[2] |= 0x80;
        packet[7] = 2;
        packet.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 3, 1, b'a', 0]);
        packet.extend([1, b'a', 0, 0, 12, 0, 1, 0, 0, 0, 60, 0, 3, 1, b'h', 0]);
        assert_eq!(question.answer(&packet).unwrap().name.as_deref(), Some("h"));
    }

    #[test]
    fn no_name_is_an_answer_too() {
        let question = question();
        let mut packet = question.bytes().to_vec();
        packet[2] |= 0x80;
        packet[3] |= 3;
        assert_eq!(question.answer(&packet), Some(Answer { name: None }));
    }

    #[test]
    fn pointers_in_circles_and_names_cut_short_are_no_names() {
        assert_eq!(named(b"\x01x\xc0\x35"), None);
        assert_eq!(named(b"\xc0\xff"), None);
        assert_eq!(named(b"\x3fshort"), None);
        assert_eq!(
            named(&[b"\x3f".as_slice(), &[b'a'; 63]].concat().repeat(5)),
            None
        );
        assert_eq!(named(b"\0"), None);
    }

    #[test]
    fn the_reply_to_another_question_is_no_answer() {
        let (ours, other) = (question(), Question::new("192.0.2.2".parse().unwrap()));
        assert_eq!(ours.answer(&reply(other.bytes(), b"\x01x\0")), None);
        assert_eq!(ours.answer(ours.bytes()), None, "a question is no reply");
        let mut forged = reply(ours.bytes(), b"\x01x\0");
        forged[0] ^= 1;
        assert_eq!(ours.answer(&forged), None);
    }

    proptest! {
        #[test]
        fn no_reply_is_read_beyond_its_end(tail: Vec<u8>, packet in damaged(claims::replies(&numbered()))) {
            let question = numbered();
            let mut random = question.bytes().to_vec();
            random[2] |= 0x80;
            random[7] = 3;
            random.extend(tail);
            hold(&question, &random);
            hold(&question, &packet);
        }
    }
}
