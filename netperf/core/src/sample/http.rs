//! What happened on the way of a request, and when?

use std::net::SocketAddr;
use std::time::Duration;

use super::dns::Lookup;
use crate::clock::WallNs;

/// All requests of one time.
#[derive(Clone, Debug)]
pub struct HttpSample {
    /// When it began.
    pub wall: WallNs,
    /// Where they went: each address by itself, or whichever answered.
    pub targets: Vec<TargetReading>,
}

/// Requests to one address, or to whichever answered.
#[derive(Clone, Debug)]
pub struct TargetReading {
    /// The address, where each one was asked by itself.
    pub address: Option<SocketAddr>,
    /// In order.
    pub requests: Vec<RequestReading>,
}

/// One request.
#[derive(Clone, Debug, Default)]
pub struct RequestReading {
    /// What was reached, and when.
    pub marks: Marks,
    /// How the name was looked up; `None` if no name had to be.
    pub lookup: Option<Lookup>,
    /// Addresses that were tried in vain, and why.
    pub refused: Vec<(SocketAddr, String)>,
    /// Addresses that had not answered when another one did, and how long they had been waited for.
    pub overtaken: Vec<(SocketAddr, Duration)>,
    /// The connection, once there was one.
    pub connection: Option<Connection>,
    /// What TLS agreed on.
    pub tls: Option<Tls>,
    /// The answer, once its head was here.
    pub reply: Option<Reply>,
    /// Why it did not get to its end. May hold untrusted text.
    pub failure: Option<String>,
    /// It did not fail: its time was up, and it was stopped here.
    pub timed_out: bool,
    /// The server asked for a certificate of the client, which has none.
    pub certificate_wanted: bool,
}

/// Times since the beginning, as `curl -w` names them; `None` for what was not reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The name was looked up; zero if it did not have to be.
    pub namelookup: Option<Duration>,
    /// TCP was connected.
    pub connect: Option<Duration>,
    /// TLS was agreed on; zero if there is none.
    pub appconnect: Option<Duration>,
    /// Everything is ready for the request.
    pub pretransfer: Option<Duration>,
    /// The request was handed to the kernel.
    pub posttransfer: Option<Duration>,
    /// The first byte of the answer was here (HTTP/2: its head).
    pub starttransfer: Option<Duration>,
    /// The end, however it ended.
    pub total: Duration,
}

/// A TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The other end.
    pub remote: SocketAddr,
    /// It was open before this request.
    pub reused: bool,
    /// Round-trip time as TCP measured it while connecting.
    pub rtt: Option<Duration>,
    /// SYNs that had to be sent again.
    pub syn_retrans: Option<u32>,
}

/// What TLS agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// `TLSv1.3`.
    pub version: String,
    /// Name of the cipher suite.
    pub cipher: String,
    /// The protocol that was agreed on (ALPN). Untrusted text.
    pub alpn: Option<String>,
    /// Keys of an earlier connection were used.
    pub resumed: bool,
    /// What the server showed; `None` where a resumed connection spared it.
    pub shown: Option<Shown>,
}

/// What a server shows of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Size of each certificate, the server's own first.
    pub chain_bytes: Vec<usize>,
    /// A fresh word of its authority (OCSP) came along.
    pub stapled: bool,
    /// Why the certificate is not valid. Seen only where that was to be ignored.
    pub fault: Option<String>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// `HTTP/1.1`, `HTTP/2`.
    pub version: &'static str,
    /// Status code.
    pub status: u16,
    /// Where it points to. Untrusted text.
    pub location: Option<String>,
    /// What the server calls itself. Untrusted text.
    pub server: Option<String>,
    /// Bytes of the body that came.
    pub body_bytes: u64,
}

/// A part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Looking the name up.
    Dns,
    /// The handshake of TCP.
    Connect,
    /// The handshake of TLS.
    Tls,
    /// Handing the request to the kernel.
    Request,
    /// Until the first byte of the answer.
    Wait,
    /// Until its last byte.
    Body,
}

impl Phase {
    /// All, in order.
    pub const ALL: [Self; 6] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Request,
        Self::Wait,
        Self::Body,
    ];

    /// Its name.
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
    /// The phase that was not finished when it ended.
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

    /// When a phase ended, since the beginning.
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
