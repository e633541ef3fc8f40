//! Where did the time go, what does that usually mean, and what went wrong?

mod addresses;
mod failures;
pub mod slo;

use netperf_core::model::http::{RequestRow, TargetRow, TlsRow};
use netperf_core::sample::http::Phase;
use netperf_core::units::{Bytes, Percent, Units, counted, format_micros};

use self::slo::SloRow;
use crate::{Finding, Level};

/// Certificates that are larger do not fit into the first flight of a server (ten segments).
const FIRST_FLIGHT_BYTES: usize = 14_000;

/// A request that takes less is quick, wherever its time goes.
const QUICK_US: u64 = 5_000;

/// Round trips that are shorter say nothing of the network, only of the computing at both ends.
const RTT_MIN_US: u64 = 200;

/// All findings, the worst first.
pub fn findings(targets: &[TargetRow], slos: &[SloRow], units: Units) -> Vec<Finding> {
    let mut findings = Vec::new();
    for target in targets {
        findings.extend(failures::of(target, units));
        findings.extend(statuses(target));
        findings.extend(addresses::refused(target));
        findings.extend(addresses::overtaken(target));
        findings.extend(lookup(target));
        findings.extend(lost_syns(target));
        findings.extend(certificate(target));
        findings.extend(chain(target, units));
        findings.extend(longest(target, units));
    }
    findings.extend(slos.iter().filter(|row| !row.met).map(slo::missed));
    findings.sort_by_key(|finding| finding.level);
    findings
}

/// The address, where several were asked.
fn at(target: &TargetRow) -> String {
    let address = target.address.map(|address| format!(" at {address}"));
    address.unwrap_or_default()
}

/// How many requests there were.
fn length(target: &TargetRow) -> u64 {
    u64::try_from(target.requests.len()).unwrap_or(u64::MAX)
}

fn statuses(target: &TargetRow) -> Vec<Finding> {
    let all = counted(length(target), "request", "requests");
    let finding = |(&status, &count): (&u16, &usize)| {
        let evidence = format!("{count} of {all}{}", at(target));
        let location = target
            .requests
            .iter()
            .find_map(|it| (it.status == Some(status)).then_some(it.location.as_deref())?);
        match (status, location) {
            (500.., _) => Some(Finding::new(
                Level::Critical,
                format!("the server answers with status {status}"),
                evidence,
                &["it could not process the request: its log has the reason".to_owned()],
            )),
            (400..500, _) => Some(Finding::new(
                Level::Warn,
                format!("the server answers with status {status}"),
                evidence,
                &["such answers are often faster or slower than those that users wait for: is the URL \
                  right?"
                    .to_owned()],
            )),
            (300..400, Some(location)) => Some(Finding::new(
                Level::Ok,
                format!("status {status}: it is elsewhere, at {location}"),
                format!("{evidence}; it was not followed"),
                &["measure that URL too: users wait for both".to_owned()],
            )),
            _ => None,
        }
    };
    target.statuses.iter().filter_map(finding).collect()
}

fn lookup(target: &TargetRow) -> Option<Finding> {
    let costly = |it: &RequestRow| {
        let lookup = it.lookup.as_ref()?;
        (lookup.timeouts > 0 || lookup.names.len() > 1).then(|| lookup.clone())
    };
    let lookup = target.requests.iter().find_map(costly)?;
    Some(Finding::new(
        Level::Warn,
        format!("looking the name up takes {} queries", lookup.sent),
        format!(
            "{} names tried, {} queries unanswered, {}",
            lookup.names.len(),
            lookup.timeouts,
            format_micros(lookup.took_us)
        ),
        &["`netperf-trace dns NAME` shows each of them".to_owned()],
    ))
}

fn lost_syns(target: &TargetRow) -> Option<Finding> {
    let again = |it: &&RequestRow| it.syn_retrans.unwrap_or(0) > 0 && it.reused == Some(false);
    let lost: Vec<_> = target.requests.iter().filter(again).collect();
    let first = lost.first()?;
    let connect = first.phases_us.get("connect").copied().unwrap_or(0);
    Some(Finding::new(
        Level::Warn,
        format!("the first packet of a connection was lost{}", at(target)),
        format!(
            "{} of {} connections sent their SYN again, the first of them took {} to connect; the kernel \
             waits a second before it does",
            lost.len(),
            target.requests.len(),
            format_micros(connect)
        ),
        &["look for loss on the way (`netperf-trace path`), and for a full queue of clients at the server \
          (`netperf-trace states` there)"
            .to_owned()],
    ))
}

fn certificate(target: &TargetRow) -> Option<Finding> {
    let fault = |it: &RequestRow| it.tls.as_ref()?.certificate_fault.clone();
    let fault = target.requests.iter().find_map(fault)?;
    Some(Finding::new(
        Level::Warn,
        format!("the certificate is not valid{}", at(target)),
        format!("{fault}; it was accepted because of --insecure"),
        &["programs that check it do not connect".to_owned()],
    ))
}

fn chain(target: &TargetRow, units: Units) -> Option<Finding> {
    let shown = |it: &RequestRow| {
        let tls = it.tls.as_ref()?;
        Some((tls.certificates?, tls.chain_bytes?))
    };
    let (count, bytes) = target.requests.iter().find_map(shown)?;
    (bytes > FIRST_FLIGHT_BYTES).then(|| {
        Finding::new(
            Level::Warn,
            format!("the certificates are large{}", at(target)),
            format!(
                "{count} certificates of {} together do not fit into what a server may send at once: the \
                 handshake takes a round trip more",
                units.size(Bytes(bytes as u64))
            ),
            &["leave out what clients have anyway (the root), or use keys on elliptic curves".to_owned()],
        )
    })
}

/// Where most of the time went.
fn longest(target: &TargetRow, units: Units) -> Option<Finding> {
    let longest = target.longest?;
    let request = target.first_finished()?;
    let total = target.total?.avg_us;
    let mut evidence = format!(
        "{} of {} on average, {}",
        format_micros(longest.avg_us),
        format_micros(total),
        Percent(longest.share_percent)
    );
    if total < QUICK_US {
        return Some(Finding::new(
            Level::Ok,
            format!(
                "no phase is slow; the longest is {}{}",
                into(longest.which),
                at(target)
            ),
            evidence,
            &[],
        ));
    }
    if let Some(rtt) = request.rtt_us.filter(|&rtt| rtt >= RTT_MIN_US) {
        evidence.extend(["; one round trip is ", &format_micros(rtt)]);
        if matches!(longest.which, Phase::Connect | Phase::Tls) {
            let times = (longest.avg_us.saturating_mul(10) + rtt / 2) / rtt;
            let times = format!("{}.{}", times / 10, times % 10);
            evidence.extend([", so this is ", &times, " of them"]);
        }
    }
    if longest.which == Phase::Tls
        && let Some(tls) = &request.tls
    {
        evidence.extend(["; ", &handshake(tls, target, units)]);
    }
    Some(Finding {
        level: Level::Ok,
        what: format!(
            "most of the time goes into {}{}",
            into(longest.which),
            at(target)
        ),
        evidence,
        advice: causes(longest.which, target)
            .iter()
            .map(|&it| it.to_owned())
            .collect(),
    })
}

/// What the first handshake was like, and how many after it were shorter.
fn handshake(tls: &TlsRow, target: &TargetRow, units: Units) -> String {
    let new = target.requests.iter().filter(|it| it.reused == Some(false));
    let of_tls = new.filter_map(|it| it.tls.as_ref());
    let (resumed, full): (Vec<_>, Vec<_>) = of_tls.partition(|it| it.resumed);
    let shown = tls.shown(units).map(|shown| format!(", {shown}"));
    let shown = shown.unwrap_or_default();
    format!(
        "{}, {} in full and {} resumed{shown}",
        tls.version,
        full.len(),
        resumed.len()
    )
}

fn into(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "looking the name up",
        Phase::Connect => "connecting",
        Phase::Tls => "the TLS handshake",
        Phase::Request => "sending the request",
        Phase::Wait => "waiting for the first byte",
        Phase::Body => "reading the answer",
    }
}

fn causes(phase: Phase, target: &TargetRow) -> &'static [&'static str] {
    match phase {
        Phase::Connect if target.requests.iter().any(|it| !it.overtaken.is_empty()) => &[
            "most of it is the wait for the address that does not answer",
            "connections that are kept open (--keep-alive) spare it",
        ],
        Phase::Dns => &[
            "a resolver that is slow, far away or silent: `netperf-trace dns NAME` times each of them",
        ],
        Phase::Connect => &[
            "connecting takes one round trip: much more is a lost SYN (a second) or a full queue at the \
             server; else the server is far away",
            "connections that are kept open (--keep-alive) spare it",
        ],
        Phase::Tls => &[
            "TLS 1.3 takes one round trip, TLS 1.2 two; the rest is the server's computing, or a long chain \
             of certificates",
            "resuming sessions and keeping connections open spare most of it",
        ],
        Phase::Request => {
            &["the request could not be handed to the kernel at once: this machine is busy"]
        }
        Phase::Wait => &[
            "one round trip of it is the network; the rest is the server: its program, its database, or a \
             proxy that waits for another server",
            "look at the server's own log of times, not at the network",
        ],
        Phase::Body => &[
            "the size of the answer by the speed of the way, or a server that makes it bit by bit",
            "compression, a smaller answer, or a server closer by; `netperf-trace retrans` shows whether \
             segments are lost",
        ],
    }
}

#[cfg(test)]
mod tests;
