//! What did resolvers answer, and how long did it take?

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::name_service::NameService;
use crate::clock::WallNs;

/// The answers of every resolver about one name.
#[derive(Clone, Debug)]
pub struct DnsSample {
    /// When the first query went out.
    pub wall: WallNs,
    /// The name as the user wrote it. Untrusted text.
    pub name: String,
    /// How this machine looks names up.
    pub service: NameService,
    /// One lookup as programs make it; `None` where the user named servers, or wanted no addresses.
    pub lookup: Option<Lookup>,
    /// The name in the queries, without a dot at its end.
    pub asked: String,
    /// Each resolver, and what it answered.
    pub resolvers: Vec<ResolverReading>,
}

/// One lookup of addresses, with all its queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Where it ended.
    pub end: LookupEnd,
    /// Every query, in order; queries sent together have the same `round`.
    pub queries: Vec<LookupQuery>,
    /// From the call to its result.
    pub took: Duration,
}

/// Where a lookup ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupEnd {
    /// The name was an address.
    Literal(IpAddr),
    /// The hosts file: no resolver was queried.
    Hosts(Vec<IpAddr>),
    /// A resolver knew this name.
    Found {
        /// The full name, with the search domain if one was needed.
        name: String,
        /// Addresses of that name, in the order of the answers.
        addresses: Vec<IpAddr>,
    },
    /// All resolvers that answered said that there is no such name, or no address for it.
    NoAddress,
    /// No resolver gave an answer that counts.
    NoAnswer,
}

/// One query of a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupQuery {
    /// Number of the round; queries of one round are sent together.
    pub round: usize,
    /// The name that was tried.
    pub name: String,
    /// The resolver.
    pub server: SocketAddr,
    /// Query and result.
    pub reading: Reading,
}

/// A resolver, and every query to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverReading {
    /// The resolver.
    pub server: SocketAddr,
    /// Its place in resolv.conf; `None` for one that the user named.
    pub place: Option<usize>,
    /// The queries, in order.
    pub readings: Vec<Reading>,
}

/// One query and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// `A`, `AAAA`, `MX`, …
    pub kind: String,
    /// How the query was sent.
    pub transport: Transport,
    /// From the first byte sent to the whole answer, including connecting and a second query over TCP; or the
    /// time waited without an answer.
    pub took: Duration,
    /// Result of the query.
    pub outcome: Outcome,
}

/// How a query travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One UDP datagram.
    Udp,
    /// A TCP connection of its own.
    Tcp,
    /// UDP, then TCP because the answer was truncated.
    UdpThenTcp,
}

/// Result of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The resolver answered.
    Answered(Answer),
    /// No answer in time.
    TimedOut,
    /// Sending failed, or what came is no valid answer; the reason. May hold untrusted text.
    Failed(String),
}

/// The answer of a resolver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Result code.
    pub rcode: Rcode,
    /// The answer was too long for a datagram. After a second query over TCP: whether that answer is
    /// truncated.
    pub truncated: bool,
    /// Records of the answer section.
    pub records: Vec<Record>,
    /// The resolver offers recursion (RA bit).
    pub recursion_available: bool,
    /// Length of the whole message.
    pub bytes: usize,
}

/// A record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `A`, `CNAME`, …
    pub kind: String,
    /// Data of the record as in a zone file. Untrusted text.
    pub text: String,
    /// How long the record may be cached, in seconds.
    pub ttl_s: u32,
    /// The address, of records that have one.
    pub address: Option<IpAddr>,
}

/// Result code of DNS, RFC 1035 and others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rcode(pub u16);

impl Rcode {
    /// The query succeeded.
    pub const NOERROR: Self = Self(0);
    /// The server failed.
    pub const SERVFAIL: Self = Self(2);
    /// There is no such name.
    pub const NXDOMAIN: Self = Self(3);
    /// The server does not support the query.
    pub const NOTIMP: Self = Self(4);
    /// The server refuses to answer.
    pub const REFUSED: Self = Self(5);

    /// Its name in the IANA registry.
    pub fn name(self) -> String {
        match self.0 {
            0 => "NOERROR".to_owned(),
            1 => "FORMERR".to_owned(),
            2 => "SERVFAIL".to_owned(),
            3 => "NXDOMAIN".to_owned(),
            4 => "NOTIMP".to_owned(),
            5 => "REFUSED".to_owned(),
            9 => "NOTAUTH".to_owned(),
            other => format!("RCODE{other}"),
        }
    }

    /// Whether the code says something about the name, not only about the server.
    pub fn is_about_the_name(self) -> bool {
        matches!(self, Self::NOERROR | Self::NXDOMAIN)
    }
}

impl Lookup {
    /// The addresses that were found.
    pub fn addresses(&self) -> Vec<IpAddr> {
        match &self.end {
            LookupEnd::Literal(address) => vec![*address],
            LookupEnd::Hosts(addresses) | LookupEnd::Found { addresses, .. } => addresses.clone(),
            LookupEnd::NoAddress | LookupEnd::NoAnswer => Vec::new(),
        }
    }
}

impl Outcome {
    /// The answer, if one came.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::TimedOut | Self::Failed(_) => None,
        }
    }
}

impl Answer {
    /// The records that answer a question for `kind`, aliases on the way left out.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Record> {
        self.records
            .iter()
            .filter(move |record| record.kind == kind)
    }
}
