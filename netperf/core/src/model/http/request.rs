//! The figures of one HTTP request.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use crate::model::dns::LookupRow;
use crate::model::spread::micros;
use crate::sample::http::{Marks, Phase, RequestReading, Tls};
use crate::units::{Bytes, Units, counted};

/// The figures of one request.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RequestRow {
    /// Status code.
    pub status: Option<u16>,
    /// `HTTP/1.1`, `HTTP/2`.
    pub http_version: Option<&'static str>,
    /// Remote address.
    pub remote: Option<SocketAddr>,
    /// The connection was open before.
    pub reused: Option<bool>,
    /// Cumulative times in seconds, as `curl -w` names them.
    pub times: CurlTimes,
    /// How long each phase took; what was not finished is missing.
    pub phases_us: BTreeMap<&'static str, u64>,
    /// From the beginning to the end.
    pub total_us: u64,
    /// Round-trip time of TCP while connecting.
    pub rtt_us: Option<u64>,
    /// SYNs that had to be sent again.
    pub syn_retrans: Option<u32>,
    /// What TLS agreed on.
    pub tls: Option<TlsRow>,
    /// How the name was looked up.
    pub lookup: Option<LookupRow>,
    /// Addresses that did not work, and why.
    pub refused: Vec<(SocketAddr, String)>,
    /// Addresses that had not answered when another one did, and how long they had been waited for, in
    /// microseconds.
    pub overtaken: Vec<(SocketAddr, u64)>,
    /// Bytes of the body.
    pub body_bytes: Option<u64>,
    /// Where the answer points to. Untrusted text.
    pub location: Option<String>,
    /// What the server calls itself. Untrusted text.
    pub server: Option<String>,
    /// The phase in which it failed.
    pub failed_in: Option<&'static str>,
    /// Why. May hold untrusted text.
    pub failure: Option<String>,
    /// It did not fail: its time was up (`--timeout`), and it was stopped here.
    pub timed_out: bool,
    /// The server asked for a certificate of the client, which has none.
    pub certificate_wanted: bool,
}

/// Cumulative times in seconds, as `curl -w` has them: zero for what there was not.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "curl(1) has the meaning of its names")]
pub struct CurlTimes {
    pub time_namelookup: f64,
    pub time_connect: f64,
    pub time_appconnect: f64,
    pub time_pretransfer: f64,
    pub time_posttransfer: f64,
    pub time_starttransfer: f64,
    pub time_total: f64,
}

/// What TLS agreed on.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TlsRow {
    /// `TLSv1.3`.
    pub version: String,
    /// Name of the cipher suite.
    pub cipher: String,
    /// The protocol that was agreed on. Untrusted text.
    pub alpn: Option<String>,
    /// Keys of an earlier connection were used.
    pub resumed: bool,
    /// Certificates that the server sent; `None` where it was resumed.
    pub certificates: Option<usize>,
    /// Size of the certificates.
    pub chain_bytes: Option<usize>,
    /// A fresh word of the authority came along.
    pub ocsp_stapled: Option<bool>,
    /// Why the certificate is not valid, where that was to be ignored.
    pub certificate_fault: Option<String>,
}

impl RequestRow {
    pub(super) fn new(reading: &RequestReading) -> Self {
        let connection = reading.connection.as_ref();
        let reply = reading.reply.as_ref();
        let marks = &reading.marks;
        let phase = |phase: Phase| Some((phase.name(), micros(marks.length_of(phase)?)));
        // What was not reached has not ended with the request.
        let phases = Phase::ALL
            .into_iter()
            .filter(|&it| reading.failure.is_none() || it != Phase::Body);
        Self {
            status: reply.map(|it| it.status),
            http_version: reply.map(|it| it.version),
            remote: connection.map(|it| it.remote),
            reused: connection.map(|it| it.reused),
            times: CurlTimes::new(marks),
            phases_us: phases.filter_map(phase).collect(),
            total_us: micros(marks.total),
            rtt_us: connection.and_then(|it| it.rtt).map(micros),
            syn_retrans: connection.and_then(|it| it.syn_retrans),
            tls: reading.tls.as_ref().map(TlsRow::new),
            lookup: reading.lookup.as_ref().map(LookupRow::new),
            refused: reading.refused.clone(),
            overtaken: reading
                .overtaken
                .iter()
                .map(|&(address, waited)| (address, micros(waited)))
                .collect(),
            body_bytes: reply.map(|it| it.body_bytes),
            location: reply.and_then(|it| it.location.clone()),
            server: reply.and_then(|it| it.server.clone()),
            failed_in: reading.failure.as_ref().map(|_| marks.unfinished().name()),
            failure: reading.failure.clone(),
            timed_out: reading.timed_out,
            certificate_wanted: reading.certificate_wanted,
        }
    }
}

impl CurlTimes {
    fn new(marks: &Marks) -> Self {
        let seconds = |mark: Option<Duration>| mark.unwrap_or_default().as_secs_f64();
        Self {
            time_namelookup: seconds(marks.namelookup),
            time_connect: seconds(marks.connect),
            time_appconnect: seconds(marks.appconnect),
            time_pretransfer: seconds(marks.pretransfer),
            time_posttransfer: seconds(marks.posttransfer),
            time_starttransfer: seconds(marks.starttransfer),
            time_total: marks.total.as_secs_f64(),
        }
    }
}

impl TlsRow {
    /// What the server showed, in words; `None` where it was resumed.
    pub fn shown(&self, units: Units) -> Option<String> {
        let certificates = u64::try_from(self.certificates?).ok()?;
        Some(format!(
            "{} of {}, OCSP {}",
            counted(certificates, "certificate", "certificates"),
            units.size(Bytes(self.chain_bytes? as u64)),
            if self.ocsp_stapled? {
                "stapled"
            } else {
                "not stapled"
            }
        ))
    }

    fn new(tls: &Tls) -> Self {
        let shown = tls.shown.as_ref();
        Self {
            version: tls.version.clone(),
            cipher: tls.cipher.clone(),
            alpn: tls.alpn.clone(),
            resumed: tls.resumed,
            certificates: shown.map(|it| it.chain_bytes.len()),
            chain_bytes: shown.map(|it| it.chain_bytes.iter().sum()),
            ocsp_stapled: shown.map(|it| it.stapled),
            certificate_fault: shown.and_then(|it| it.fault.clone()),
        }
    }
}
