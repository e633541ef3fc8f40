//! What kept requests from getting to their end?

use netperf_core::model::http::{RequestRow, TargetRow};
use netperf_core::units::{Bytes, Units, counted, format_micros};

use super::length;
use crate::{Finding, Level};

/// Requests that did not get to their end, one finding a reason.
pub(super) fn of(target: &TargetRow, units: Units) -> Vec<Finding> {
    let mut reasons: Vec<(&RequestRow, usize)> = Vec::new();
    let failed = |it: &&RequestRow| it.failure.is_some() && it.failed_in.is_some();
    for request in target.requests.iter().filter(failed) {
        let key = |it: &RequestRow| (it.failed_in, it.failure.clone());
        match reasons
            .iter_mut()
            .find(|(known, _)| key(known) == key(request))
        {
            Some((_, count)) => *count += 1,
            None => reasons.push((request, 1)),
        }
    }
    let finding = |(request, count)| one(target, request, count, units);
    reasons.into_iter().filter_map(finding).collect()
}

fn one(target: &TargetRow, request: &RequestRow, count: usize, units: Units) -> Option<Finding> {
    let (phase, why) = (request.failed_in?, request.failure.as_deref()?);
    let verb = if request.timed_out {
        "was stopped here"
    } else {
        "failed"
    };
    let at = target
        .address
        .filter(|address| !why.starts_with(&address.to_string()))
        .map(|address| format!(" at {address}"))
        .unwrap_or_default();
    Some(Finding::new(
        Level::Critical,
        format!("{} {verb}{at}: {why}", during(phase)),
        format!(
            "{count} of {}, the first after {}{}",
            counted(length(target), "request", "requests"),
            format_micros(request.total_us),
            came(request, units)
        ),
        &[remedy(request, phase, why).to_owned()],
    ))
}

/// What had come by then.
fn came(request: &RequestRow, units: Units) -> String {
    let Some(status) = request.status else {
        return String::new();
    };
    format!(
        "; status {status} came, and {} of the body",
        units.size(Bytes(request.body_bytes.unwrap_or(0)))
    )
}

fn during(phase: &str) -> &'static str {
    match phase {
        "dns" => "looking the name up",
        "connect" => "connecting",
        "tls" => "the TLS handshake",
        "request" => "sending the request",
        "wait" => "waiting for the answer",
        _ => "reading the answer",
    }
}

fn remedy(request: &RequestRow, phase: &str, why: &str) -> &'static str {
    // Only TLS itself, or the end of the connection, can be about the certificate.
    let is_closed = !request.timed_out && request.status.is_none();
    if request.certificate_wanted && is_closed && matches!(phase, "tls" | "request" | "wait") {
        return if why.contains("CertificateRequired") {
            "the server demands a client certificate, and this program shows none: only clients that have one \
             can use it"
        } else {
            "the server asked for a client certificate, and this program shows none: that may be why it stops"
        };
    }
    match phase {
        "dns" => "`netperf-trace dns NAME` shows which resolver fails, and how",
        "connect" => connecting(why),
        "tls" if request.timed_out => {
            "the server took the connection and did not finish the handshake: is this port one for TLS?"
        }
        "tls" if why.contains("ertificate") => {
            "look at the server's certificate; --insecure measures in spite of it"
        }
        "tls" => "is this port one for TLS, and does the server speak TLS 1.2 or 1.3?",
        "wait" if request.timed_out => {
            "the server took the request and had not answered by then: look at its log and its load, or wait \
             longer with `--timeout`"
        }
        "wait" if why.contains("fatal alert") => {
            "the server ended TLS when the request came: its log has the reason"
        }
        "wait" => "the server took the request and did not answer: look at its log and its load",
        _ if request.timed_out => {
            "the answer had begun and was not at its end: a stream or a large answer needs a longer `--timeout`"
        }
        _ if is_no_http(request, phase, why) => {
            "the server answered, and not in HTTP that can be read: is this port one for this protocol?"
        }
        _ => "the server or something on the way ended the connection: look at the server's log",
    }
}

fn connecting(why: &str) -> &'static str {
    match why {
        _ if why.contains("refused") => {
            "the host is up, and nothing listens on this port: is the server running?"
        }
        _ if why.contains("unreachable") => {
            "there is no way to the address: look at `ip route get ADDRESS`"
        }
        _ if why.contains("Permission denied") => {
            "a route of this machine forbids it (type `prohibit`), or it is a broadcast address: look at `ip \
             route get ADDRESS`"
        }
        _ if why.contains("Invalid argument") => {
            "a route of this machine throws such packets away (type `blackhole`), or it is a link-local address, \
             which needs its interface"
        }
        _ if why.contains("not permitted") => {
            "a filter of this machine drops the packet on its way out: look at `nft list ruleset`"
        }
        _ => "nothing came back: look at the way with `netperf-trace path`, and for a firewall",
    }
}

/// Whether something came that is no answer: before the request was sent, or in its place.
fn is_no_http(request: &RequestRow, phase: &str, why: &str) -> bool {
    why.contains("unexpected message") || (phase == "body" && request.status.is_none())
}
