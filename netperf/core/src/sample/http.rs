//! HTTP requests: the phases of each, and when it reached them.

use std::net::SocketAddr;
use std::time::Duration;

use super::dns::Lookup;
use crate::clock::WallNs;

/// The requests of one round.
#[derive(Clone, Debug)]
pub struct HttpSample {
    /// When the round began.
    pub wall: WallNs,
    /// The targets: each address on its own, or one for whichever address answered.
    pub targets: Vec<TargetReading>,
}

/// Requests to one address, or to whichever answered.
#[derive(Clone, Debug)]
pub struct TargetReading {
    /// The address, where each was requested on its own.
    pub address: Option<SocketAddr>,
    /// The requests, in order.
    pub requests: Vec<RequestReading>,
}

/// One request and its result.
#[derive(Clone, Debug, Default)]
pub struct RequestReading {
    /// When each phase ended.
    pub marks: Marks,
    /// How the name was looked up; `None` if no name had to be.
    pub lookup: Option<Lookup>,
    /// Addresses to which no connection could be made, and why.
    pub refused: Vec<(SocketAddr, String)>,
    /// Addresses that had not answered when another one did, and how long they had been waited for.
    pub overtaken: Vec<(SocketAddr, Duration)>,
    /// The connection, once there was one.
    pub connection: Option<Connection>,
    /// Parameters of the TLS session.
    pub tls: Option<Tls>,
    /// The answer, once its head had arrived.
    pub reply: Option<Reply>,
    /// Why the request failed. May hold untrusted text.
    pub failure: Option<String>,
    /// It did not fail: its time was up, and it was stopped here.
    pub timed_out: bool,
    /// The server asked for a certificate of the client, which has none.
    pub certificate_wanted: bool,
}

/// Times since the start of the request, named as in `curl -w`; `None` for a phase that was not reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The name was resolved; zero if that was not needed.
    pub namelookup: Option<Duration>,
    /// The TCP handshake was complete.
    pub connect: Option<Duration>,
    /// The TLS handshake was complete; zero without TLS.
    pub appconnect: Option<Duration>,
    /// The request was ready to be sent.
    pub pretransfer: Option<Duration>,
    /// The request was handed to the kernel.
    pub posttransfer: Option<Duration>,
    /// The first byte of the answer had arrived (HTTP/2: its head).
    pub starttransfer: Option<Duration>,
    /// The request ended, with success or not.
    pub total: Duration,
}

/// A TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The other end.
    pub remote: SocketAddr,
    /// Whether it was open before this request.
    pub reused: bool,
    /// Round-trip time that TCP measured during the handshake.
    pub rtt: Option<Duration>,
    /// SYNs that were retransmitted.
    pub syn_retrans: Option<u32>,
}

/// Parameters of a TLS session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Version, for example `TLSv1.3`.
    pub version: String,
    /// Name of the cipher suite.
    pub cipher: String,
    /// Protocol that both ends agreed on (ALPN). Untrusted text.
    pub alpn: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// Certificates of the server; `None` in a resumed session, which transfers none.
    pub shown: Option<Shown>,
}

/// What a server presents to prove its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Size of each certificate, the server's own first.
    pub chain_bytes: Vec<usize>,
    /// Whether a revocation status (OCSP) was stapled.
    pub stapled: bool,
    /// Why the certificate is not valid. Known only where the user accepts invalid ones.
    pub fault: Option<String>,
}

/// The server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Protocol: `HTTP/1.1` or `HTTP/2`.
    pub version: &'static str,
    /// Status code.
    pub status: u16,
    /// Header `Location`. Untrusted text.
    pub location: Option<String>,
    /// Header `Server`. Untrusted text.
    pub server: Option<String>,
    /// Bytes of the body that arrived.
    pub body_bytes: u64,
}

/// A phase of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Resolving the name.
    Dns,
    /// The TCP handshake.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Handing the request to the kernel.
    Request,
    /// Waiting for the first byte of the answer.
    Wait,
    /// Receiving the body.
    Body,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 6] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Request,
        Self::Wait,
        Self::Body,
    ];

    /// The name of the phase in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Request => "request",
            Self::Wait => "wait",
            Self::Body => "body",
        }
    }
}

impl Marks {
    /// The phase in which the request ended.
    pub fn unfinished(&self) -> Phase {
        let done = [
            self.namelookup,
            self.connect,
            self.appconnect,
            self.posttransfer,
            self.starttransfer,
        ];
        let at = done.iter().position(Option::is_none).unwrap_or(done.len());
        Phase::ALL[at]
    }

    /// When a phase ended, since the start of the request.
    pub fn end_of(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::Dns => self.namelookup,
            Phase::Connect => self.connect,
            // Without TLS its mark is zero.
            Phase::Tls => self.appconnect.and_then(|it| Some(it.max(self.connect?))),
            Phase::Request => self.posttransfer,
            Phase::Wait => self.starttransfer,
            Phase::Body => self.starttransfer.map(|_| self.total),
        }
    }

    /// How long a phase lasted; `None` if it was not finished.
    pub fn length_of(&self, phase: Phase) -> Option<Duration> {
        let before = Phase::ALL.iter().rev().find(|&&it| it < phase);
        let begin = before.map_or(Some(Duration::ZERO), |&it| self.end_of(it))?;
        Some(self.end_of(phase)?.saturating_sub(begin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn phases_add_up_to_the_total() {
        let marks = Marks {
            namelookup: Some(ms(5)),
            connect: Some(ms(20)),
            appconnect: Some(ms(0)),
            pretransfer: Some(ms(20)),
            posttransfer: Some(ms(21)),
            starttransfer: Some(ms(121)),
            total: ms(130),
        };
        let lengths = Phase::ALL.map(|phase| marks.length_of(phase).unwrap().as_millis());
        assert_eq!(lengths, [5, 15, 0, 1, 100, 9]);
        assert_eq!(lengths.iter().sum::<u128>(), 130);
    }

    #[test]
    fn what_was_not_reached_has_no_length() {
        let marks = Marks {
            namelookup: Some(ms(5)),
            total: ms(130),
            ..Marks::default()
        };
        assert_eq!(marks.unfinished(), Phase::Connect);
        assert_eq!(marks.length_of(Phase::Dns), Some(ms(5)));
        assert_eq!(marks.length_of(Phase::Connect), None);
        assert_eq!(marks.length_of(Phase::Body), None);
    }
}
