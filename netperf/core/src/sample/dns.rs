//! What did resolvers answer, and how long did it take?

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::name_service::NameService;
use crate::clock::WallNs;

/// Everything that was asked about one name.
#[derive(Clone, Debug)]
pub struct DnsSample {
    /// When it began.
    pub wall: WallNs,
    /// What the user asked for. Untrusted text.
    pub name: String,
    /// How this machine looks names up.
    pub service: NameService,
    /// One lookup as programs make it; `None` where only named servers were to be asked, or no
    /// addresses were wanted.
    pub lookup: Option<Lookup>,
    /// The name that the resolvers were asked for, without a dot at its end.
    pub asked: String,
    /// Each resolver, and what it answered.
    pub resolvers: Vec<ResolverReading>,
}

/// One lookup of addresses, with all that it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Where it ended.
    pub end: LookupEnd,
    /// Every query, in order; those that went out together have the same `round`.
    pub queries: Vec<LookupQuery>,
    /// From the call to its result.
    pub took: Duration,
}

/// Where a lookup ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupEnd {
    /// It was an address.
    Literal(IpAddr),
    /// The hosts file: no resolver was queried.
    Hosts(Vec<IpAddr>),
    /// A resolver knew this name.
    Found {
        /// With a search domain, if one was needed.
        name: String,
        /// Its addresses, in the order of the answers.
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
    /// Queries that are sent together.
    pub round: usize,
    /// The name that was tried.
    pub name: String,
    /// Who was asked.
    pub server: SocketAddr,
    /// What was asked, and what came.
    pub reading: Reading,
}

/// A resolver, and each time it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverReading {
    /// Who was asked.
    pub server: SocketAddr,
    /// Its place in resolv.conf; `None` for one that the user named.
    pub place: Option<usize>,
    /// Each query, in order.
    pub readings: Vec<Reading>,
}

/// One query, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// `A`, `AAAA`, `MX`, …
    pub kind: String,
    /// How it was asked.
    pub transport: Transport,
    /// From the first byte sent to the whole answer, connecting and asking again over TCP included; or the
    /// time that was waited in vain.
    pub took: Duration,
    /// What came.
    pub outcome: Outcome,
}

/// How a query travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A datagram.
    Udp,
    /// A connection of its own.
    Tcp,
    /// A datagram whose answer was cut off, then a connection.
    UdpThenTcp,
}

/// What came of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer.
    Answered(Answer),
    /// Nothing in time.
    TimedOut,
    /// Something that is no answer, in words. May hold untrusted text.
    Failed(String),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it worked.
    pub rcode: Rcode,
    /// Cut off, because it was too long for a datagram. After a second query over TCP: whether that
    /// one is.
    pub truncated: bool,
    /// What was asked for.
    pub records: Vec<Record>,
    /// A resolver that asks others.
    pub recursion_available: bool,
    /// Of the whole message.
    pub bytes: usize,
}

/// A record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `A`, `CNAME`, …
    pub kind: String,
    /// As in a zone file. Untrusted text.
    pub text: String,
    /// For how long it may be kept.
    pub ttl_s: u32,
    /// The address, of records that have one.
    pub address: Option<IpAddr>,
}

/// Result code of DNS, RFC 1035 and others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rcode(pub u16);

impl Rcode {
    /// No error.
    pub const NOERROR: Self = Self(0);
    /// The server failed.
    pub const SERVFAIL: Self = Self(2);
    /// There is no such name.
    pub const NXDOMAIN: Self = Self(3);
    /// The server can't.
    pub const NOTIMP: Self = Self(4);
    /// The server won't.
    pub const REFUSED: Self = Self(5);

    /// Its name in the register of IANA.
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

    /// Whether it says something about the name, and not only about the server.
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
