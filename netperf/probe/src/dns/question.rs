//! What is asked, and is this the answer to it? Answers are hostile: the parser is hickory's, and
//! what it takes must have our number and our question.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, Record as WireRecord, RecordType};
use netperf_core::sample::dns::{Answer, Rcode, Record};

/// Size of UDP answers that glibc announces with `options edns0`.
const EDNS_SIZE: u16 = 1200;

/// The type of records that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(RecordType);

/// Types that can be asked for one question at a time.
const KINDS: [RecordType; 16] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::ANY,
    RecordType::CAA,
    RecordType::CNAME,
    RecordType::DNSKEY,
    RecordType::DS,
    RecordType::HTTPS,
    RecordType::MX,
    RecordType::NAPTR,
    RecordType::NS,
    RecordType::PTR,
    RecordType::SOA,
    RecordType::SRV,
    RecordType::SVCB,
    RecordType::TXT,
];

impl Kind {
    /// IPv4 addresses.
    pub const A: Self = Self(RecordType::A);
    /// IPv6 addresses.
    pub const AAAA: Self = Self(RecordType::AAAA);
    /// The name of an address.
    pub const PTR: Self = Self(RecordType::PTR);

    /// The type of this name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        let kinds = KINDS.into_iter();
        let mut named = kinds.filter(|kind| kind.to_string().eq_ignore_ascii_case(name));
        named.next().map(Self)
    }

    /// All names, for an error message.
    pub fn names() -> String {
        KINDS.map(|kind| kind.to_string()).join(", ")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// One question, as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    name: Name,
    kind: Kind,
    number: u16,
    bytes: Vec<u8>,
}

/// What came is meant as the answer, and is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

impl Question {
    /// Asks for `kind` of `name`, under a number that can't be guessed.
    ///
    /// # Errors
    /// Why `name` is no name.
    pub(crate) fn new(name: &str, kind: Kind, edns: bool) -> Result<Self, String> {
        let random = RandomState::new().build_hasher().finish().to_be_bytes();
        Self::numbered(u16::from_be_bytes([random[0], random[1]]), name, kind, edns)
    }

    fn numbered(number: u16, name: &str, kind: Kind, edns: bool) -> Result<Self, String> {
        let mut name = Name::from_str_relaxed(name).map_err(|error| error.to_string())?;
        name.set_fqdn(true);
        let mut message = Message::new(number, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(name.clone(), kind.0));
        if edns {
            let mut edns = Edns::new();
            edns.set_max_payload(EDNS_SIZE);
            message.set_edns(edns);
        }
        let bytes = message.to_vec().map_err(|error| error.to_string())?;
        Ok(Self {
            name,
            kind,
            number,
            bytes,
        })
    }

    /// What is asked for.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The name that is asked for, without the dot at its end.
    #[cfg(test)]
    pub(crate) fn name_text(&self) -> String {
        self.name.to_ascii().trim_end_matches('.').to_owned()
    }

    /// The message to send.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What `reply` answers; `None` if it is not meant for this question.
    pub(crate) fn answer(&self, reply: &[u8]) -> Option<Result<Answer, Malformed>> {
        let number = u16::from_be_bytes([*reply.first()?, *reply.get(1)?]);
        let is_reply = reply.get(2)? & 0x80 != 0;
        if !is_reply || number != self.number {
            return None;
        }
        let message = match Message::from_vec(reply) {
            Ok(message) => message,
            Err(error) => return Some(Err(Malformed(error.to_string()))),
        };
        let rcode = Rcode(u16::from(message.metadata.response_code));
        let same = |query: &Query| query.name() == &self.name && query.query_type() == self.kind.0;
        match message.queries.as_slice() {
            [query] if same(query) => {}
            // A server that could not read the question can't repeat it.
            [] if rcode != Rcode::NOERROR => {}
            _ => return None,
        }
        Some(Ok(Answer {
            rcode,
            truncated: message.metadata.truncation,
            records: message.answers.iter().map(record).collect(),
            recursion_available: message.metadata.recursion_available,
            bytes: reply.len(),
        }))
    }
}

/// Strings as they stand in a zone file, RFC 1035 section 5.1, each for itself.
fn zone_text(strings: &[Box<[u8]>]) -> String {
    let quoted = strings.iter().map(|string| {
        let escaped = string.iter().map(|&byte| match byte {
            b'"' | b'\\' => format!("\\{}", char::from(byte)),
            b' '..=b'~' => char::from(byte).to_string(),
            other => format!("\\{other:03}"),
        });
        format!("\"{}\"", escaped.collect::<String>())
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn record(record: &WireRecord) -> Record {
    let address = if let RData::A(address) = &record.data {
        Some(address.0.into())
    } else if let RData::AAAA(address) = &record.data {
        Some(address.0.into())
    } else {
        None
    };
    Record {
        kind: record.record_type().to_string(),
        text: if let RData::TXT(text) = &record.data {
            zone_text(&text.txt_data)
        } else {
            record.data.to_string()
        },
        ttl_s: record.ttl,
        address,
    }
}

/// What holds of every reply that anybody can send? For the unit tests and the fuzzer.
#[cfg(any(test, fuzzing))]
mod claims {
    use super::*;

    /// A reply with one A record for 192.0.2.1.
    pub(super) fn reply(question: &Question) -> Vec<u8> {
        let mut reply = with_answers(question, 1);
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
        reply
    }

    fn with_answers(question: &Question, count: u8) -> Vec<u8> {
        let mut reply = question.bytes().to_vec();
        reply[2] |= 0x80;
        reply[3] |= 0x80;
        reply[7] = count;
        reply
    }

    /// Replies with records of many kinds, and names in names.
    pub(super) fn replies(question: &Question) -> Vec<Vec<u8>> {
        let records: [(u8, &[u8]); 9] = [
            (5, b"\x03www\xc0\x0c"),
            (
                6,
                b"\x02ns\xc0\x0c\x04mail\xc0\x0c\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05",
            ),
            (12, b"\x04host\xc0\x0c"),
            (15, b"\0\x0a\x02mx\xc0\x0c"),
            (16, b"\x05hello\x05world"),
            (28, &[0x20; 16]),
            (33, b"\0\x01\0\x02\x01\xbb\x01s\xc0\x0c"),
            (35, b"\0\x01\0\x02\x01u\x03sip\x01!\xc0\x0c"),
            (65, b"\0\x01\0\0\x01\0\x03\x02h2\0\x04\0\x04\xc0\0\x02\x01"),
        ];
        let mut many = with_answers(question, 9);
        for (kind, data) in records {
            many.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0]);
            many.push(u8::try_from(data.len()).unwrap_or(0));
            many.extend(data);
        }
        vec![reply(question), many, with_answers(question, 0)]
    }

    /// Reads a reply, and panics if another question's is taken.
    pub(super) fn hold(question: &Question, reply: &[u8]) {
        let Some(read) = question.answer(reply) else {
            return;
        };
        assert_eq!(reply[..2], question.number.to_be_bytes());
        if let Ok(answer) = read {
            assert_eq!(answer.bytes, reply.len());
            // The smallest record: an empty name, type, class, time to live and length.
            assert!(answer.records.len() * 11 <= reply.len());
        }
    }

    /// For `tests/fuzz`. The first byte says what is damaged.
    #[cfg(fuzzing)]
    pub fn fuzz(bytes: &[u8]) {
        let question = Question::numbered(0x1234, "example.org", Kind::A, false);
        let (Ok(question), Some((&choice, script))) = (question, bytes.split_first()) else {
            return;
        };
        let reply = netperf_core::mutate::one_patched(&replies(&question), choice, script);
        hold(&question, &reply);
    }
}

#[cfg(fuzzing)]
pub use self::claims::fuzz;

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::claims::reply;
    use super::*;
    use netperf_core::mutate::damaged;

    fn question() -> Question {
        Question::numbered(0x1234, "example.org", Kind::A, false).unwrap()
    }

    #[test]
    fn an_answer_has_its_records() {
        let question = question();
        let answer = question.answer(&reply(&question)).unwrap().unwrap();
        assert_eq!(answer.rcode, Rcode::NOERROR);
        assert!(answer.recursion_available && !answer.truncated);
        let address: Vec<_> = answer
            .of_kind("A")
            .map(|it| (it.address, it.ttl_s))
            .collect();
        assert_eq!(address, [(Some(IpAddr::from([192, 0, 2, 1])), 60)]);
    }

    #[test]
    fn text_stands_as_in_a_zone_file() {
        let strings: [Box<[u8]>; 3] = [b"v=1 a".as_slice(), b"\"\\", b"\x1b\xff"].map(Into::into);
        assert_eq!(zone_text(&strings), r#""v=1 a" "\"\\" "\027\255""#);
    }

    #[test]
    fn the_reply_to_another_question_is_no_answer() {
        let (ours, other) = (
            question(),
            Question::new("example.com", Kind::A, false).unwrap(),
        );
        let mut forged = reply(&other);
        forged[..2].copy_from_slice(&ours.bytes()[..2]);
        assert!(ours.answer(&forged).is_none(), "another name");
        let mut forged = reply(&ours);
        forged[1] ^= 1;
        assert!(ours.answer(&forged).is_none(), "another number");
        assert!(
            ours.answer(ours.bytes()).is_none(),
            "a question is no reply"
        );
    }

    #[test]
    fn a_server_that_can_not_read_the_question_may_leave_it_out() {
        let question = question();
        let mut reply = question.bytes()[..12].to_vec();
        reply[2] |= 0x80;
        reply[3] |= 1;
        reply[5] = 0;
        assert_eq!(question.answer(&reply).unwrap().unwrap().rcode, Rcode(1));
        reply[3] = 0;
        assert!(
            question.answer(&reply).is_none(),
            "success without a question"
        );
    }

    #[test]
    fn what_is_cut_short_is_malformed_and_no_panic() {
        let question = question();
        let mut reply = reply(&question);
        reply.truncate(reply.len() - 2);
        assert!(question.answer(&reply).unwrap().is_err());
    }

    #[test]
    fn types_are_known_by_name_and_transfers_are_not_among_them() {
        assert_eq!(Kind::named("aaaa"), Some(Kind::AAAA));
        assert_eq!(Kind::named("axfr"), None);
        assert!(Kind::names().contains("SRV"));
    }

    proptest! {
        #[test]
        fn no_reply_breaks_the_parser(packet in damaged(claims::replies(&question())), bytes: Vec<u8>) {
            claims::hold(&question(), &packet);
            claims::hold(&question(), &bytes);
        }
    }
}
