//! Does a resolver answer one type of record worse than another, or more than a datagram holds?

use std::collections::BTreeSet;

use netperf_core::model::dns::resolver::{CUT_OFF, ResolverRow, TypeRow};
use netperf_core::sample::dns::{DnsSample, Rcode};

use crate::{Finding, Level};

/// The name exists for one type of record, and is denied or fails for the other.
pub(super) fn one_type_denied(resolver: &ResolverRow, name: &str) -> Option<Finding> {
    let has = |row: &&TypeRow| !row.values().is_empty();
    let known = resolver.types.iter().find(has)?;
    let denial = Rcode::NXDOMAIN.name();
    let is_denied = |row: &&TypeRow| row.kind != known.kind && row.results.contains_key(&denial);
    let denied = resolver.types.iter().find(is_denied)?;
    let times = denied.results.get(&denial).copied().unwrap_or(0);
    Some(Finding::new(
        Level::Warn,
        format!(
            "resolver {} denies that there is a name {name} when asked for {}, and has {} records of it",
            resolver.server, denied.kind, known.kind
        ),
        format!(
            "{denial} for {times} of {} queries for {}, {} for {}; {denial} denies the name with all its types \
             (RFC 8020), right is an answer without records",
            denied.sent,
            denied.kind,
            known.values().join(" "),
            known.kind
        ),
        &[
            "glibc lives with it; musl (Alpine containers) then finds no address at all, and a cache in front \
             may deny the name to everybody"
                .to_owned(),
            "mend it where the name comes from: a local zone, hosts list or filter of this resolver that knows \
             one type only, or an old version of it"
                .to_owned(),
        ],
    ))
}

/// Queries for A are answered and those for AAAA are not, or the other way round.
pub(super) fn one_type_lost(resolver: &ResolverRow) -> Option<Finding> {
    let lost: Vec<_> = resolver.types.iter().filter(|it| it.silent() > 0).collect();
    let (answered, lost) = match (resolver.types.as_slice(), lost.as_slice()) {
        ([a, b], [one]) if a.kind == one.kind => (b, one),
        ([a, _], [one]) => (a, one),
        _ => return None,
    };
    if answered.answered != answered.sent {
        return None;
    }
    Some(Finding::new(
        Level::Warn,
        format!(
            "resolver {} answers {} and loses {}",
            resolver.server, answered.kind, lost.kind
        ),
        format!(
            "{} of {} queries for {} were lost, none of those for {} that were sent with them",
            lost.silent(),
            lost.sent,
            lost.kind,
            answered.kind
        ),
        &[
            "some resolvers and firewalls take one of two questions only: `options \
             single-request-reopen` in /etc/resolv.conf asks them one after the other"
                .to_owned(),
            "where no IPv6 is used, `options no-aaaa` (glibc 2.36) spares the second question"
                .to_owned(),
        ],
    ))
}

/// Answers that are longer than a datagram.
pub(super) fn cut_off(resolver: &ResolverRow, sample: &DnsSample) -> Option<Finding> {
    let (cut, lost) = (resolver.truncated(), resolver.truncated_lost());
    if cut == 0 {
        return None;
    }
    if lost > 0 {
        return Some(no_tcp(resolver, sample, cut, lost));
    }
    Some(Finding::new(
        Level::Warn,
        format!("answers of {} do not fit into a datagram", resolver.server),
        format!(
            "{cut} of {} answers were truncated and had to be requested again over TCP, which costs two \
             more round trips",
            resolver.answered()
        ),
        &[longer_datagrams(sample)
            .unwrap_or_else(|| "TCP to port 53 must not be blocked".to_owned())],
    ))
}

/// The resolver answers over UDP that the answer is too long, and TCP does not work.
fn no_tcp(resolver: &ResolverRow, sample: &DnsSample, cut: usize, lost: usize) -> Finding {
    let (server, sent) = (resolver.server, resolver.sent());
    let results = resolver.types.iter().flat_map(|it| it.results.keys());
    let reasons: BTreeSet<&str> = results.filter_map(|it| it.strip_prefix(CUT_OFF)).collect();
    let reasons: Vec<&str> = reasons.into_iter().collect();
    let timeouts: usize = resolver.types.iter().map(|it| it.truncated_timeouts).sum();
    let way = if timeouts > 0 {
        format!(
            "a filter on the way or at the resolver may drop TCP to port {}: allow it there; compare \
             `netperf-trace path {} --tcp {}`",
            server.port(),
            server.ip(),
            server.port()
        )
    } else {
        format!(
            "let the resolver listen on TCP port {} as well, which DNS demands (RFC 7766)",
            server.port()
        )
    };
    Finding::new(
        if lost == sent {
            Level::Critical
        } else {
            Level::Warn
        },
        format!(
            "TCP to resolver {server} fails, and answers that do not fit into a datagram are lost"
        ),
        format!(
            "it answers over UDP: {cut} of {sent} answers were truncated; {lost} of these did not come over TCP \
             ({})",
            reasons.join(", ")
        ),
        &[Some(way), longer_datagrams(sample)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>(),
    )
}

/// Where programs do not announce longer datagrams yet.
fn longer_datagrams(sample: &DnsSample) -> Option<String> {
    (!sample.service.options.edns0).then(|| {
        "`options edns0` in /etc/resolv.conf lets datagrams be longer (1200 bytes); TCP to port 53 must not \
         be blocked"
            .to_owned()
    })
}
