//! Is a resolver slow, silent or failing, and do they say the same?

use netperf_core::model::dns::resolver::{CUT_OFF, ResolverRow, TypeRow};
use netperf_core::sample::dns::{DnsSample, Rcode};
use netperf_core::units::format_micros;

use crate::{Finding, Level};

/// Slower is felt: a page asks for dozens of names.
const SLOW_US: u64 = 100_000;

/// Queries that nobody answered.
pub(super) fn silent(resolver: &ResolverRow, sample: &DnsSample) -> Option<Finding> {
    let (sent, lost) = (
        resolver.sent(),
        resolver.types.iter().map(TypeRow::silent).sum::<usize>(),
    );
    if lost == 0 {
        return None;
    }
    let waited = resolver.types.iter().filter_map(|it| it.waited_us).max();
    let waited = format_micros(waited.unwrap_or(0));
    let server = resolver.server;
    let evidence = format!("{lost} of {sent} queries went unanswered within {waited}");
    if resolver.answered() + resolver.truncated_lost() > 0 {
        return Some(Finding::new(
            Level::Warn,
            format!("resolver {server} leaves queries unanswered"),
            evidence,
            &[format!(
                "a program waits for each of these before it asks again: look at the way to it with \
                 `netperf-trace path {}`, and whether it is overloaded or limits the rate",
                server.ip()
            )],
        ));
    }
    let before = match resolver.place {
        Some(place) if place < sample.service.servers.len() => {
            "; programs wait for it before they ask the next one"
        }
        Some(_) | None => "",
    };
    let remedy = match resolver.place {
        Some(_) => format!(
            "take `nameserver {}` out of /etc/resolv.conf, or put it last, until it answers",
            server.ip()
        ),
        None => {
            "look whether this is the address of a resolver, and whether it answers you".to_owned()
        }
    };
    Some(Finding::new(
        Level::Critical,
        format!("resolver {server} does not answer"),
        format!("{evidence}{before}"),
        &[
            remedy,
            format!(
                "look whether it can be reached: `netperf-trace path {}`; a firewall may drop port {}",
                server.ip(),
                server.port()
            ),
        ],
    ))
}

/// Answers that say nothing about the name, and what is no answer.
pub(super) fn failing(resolver: &ResolverRow) -> Vec<Finding> {
    let about_names = [Rcode::NOERROR.name(), Rcode::NXDOMAIN.name()];
    let mut bad: Vec<(&str, usize)> = Vec::new();
    for row in &resolver.types {
        for (result, count) in &row.results {
            // What was cut off is told by itself: the resolver answered.
            let is_told = result == "timeout" || result.starts_with(CUT_OFF);
            if about_names.contains(result) || is_told {
                continue;
            }
            match bad.iter_mut().find(|(known, _)| known == result) {
                Some((_, sum)) => *sum += count,
                None => bad.push((result, *count)),
            }
        }
    }
    let sent = resolver.sent();
    let finding = |(result, count): (&str, usize)| {
        let level = if count == sent {
            Level::Critical
        } else {
            Level::Warn
        };
        Finding::new(
            level,
            format!("resolver {} fails: {result}", resolver.server),
            format!("{count} of {sent} queries ended so; programs then ask the next resolver"),
            &[advice(result, resolver)],
        )
    };
    bad.into_iter().map(finding).collect()
}

fn advice(result: &str, resolver: &ResolverRow) -> String {
    match result {
        "SERVFAIL" => {
            "it could not find out: a broken domain, a failed DNSSEC check, or no way to the servers of the \
             domain; query another resolver with `@SERVER` to see which"
                .to_owned()
        }
        "REFUSED" => {
            "it does not serve this machine: ask who runs it to allow this address, or take \
                      another resolver"
                .to_owned()
        }
        _ if resolver.answered() > 0 => "look at the log of the resolver".to_owned(),
        _ => format!(
            "look whether a resolver runs at {}, and whether there is a way to it",
            resolver.server
        ),
    }
}

pub(super) fn slow(resolver: &ResolverRow, all: &[ResolverRow]) -> Option<Finding> {
    let median = resolver.median_us().filter(|&it| it >= SLOW_US)?;
    let first = resolver.types.iter().filter_map(|it| it.first_us).max();
    let faster = all
        .iter()
        .filter_map(|it| Some((it.median_us()?, it)))
        .filter(|(other, it)| *other < median / 2 && it.place.is_some())
        .min_by_key(|(other, _)| *other);
    let mut advice = Vec::new();
    if let (Some((other, it)), Some(_)) = (faster, resolver.place) {
        let order = resolver.place < it.place;
        if order {
            advice.push(format!(
                "put `nameserver {}` first in /etc/resolv.conf: it answers within {}",
                it.server.ip(),
                format_micros(other)
            ));
        }
    }
    advice.push(
        "a resolver with a cache on this machine (systemd-resolved, unbound, dnsmasq) asks once for \
         all programs"
            .to_owned(),
    );
    advice.push("names that never change can stand in /etc/hosts".to_owned());
    Some(Finding {
        level: Level::Warn,
        what: format!("resolver {} is slow", resolver.server),
        evidence: format!(
            "half of its answers took {} or more, the first one {}: it does not have them at hand, or \
             it is far away",
            format_micros(median),
            format_micros(first.unwrap_or(median))
        ),
        advice,
    })
}

/// Two resolvers that say different things.
pub(super) fn differing(resolvers: &[ResolverRow]) -> Vec<Finding> {
    let Some((first, others)) = resolvers.split_first() else {
        return Vec::new();
    };
    let compare = |other: &ResolverRow| {
        let pairs = first.types.iter().filter_map(|a| {
            let same = other.types.iter().find(|b| b.kind == a.kind);
            same.map(|b| (a, b))
        });
        let mut both_answered = pairs.filter(|(a, b)| is_settled(a) && is_settled(b));
        let (a, b) = both_answered.find(|(a, b)| a.values() != b.values())?;
        let one_has_none = a.values().is_empty() != b.values().is_empty();
        let values = |row: &TypeRow| match row.values().as_slice() {
            [] => "nothing".to_owned(),
            values => values.join(" "),
        };
        let level = if one_has_none { Level::Warn } else { Level::Ok };
        let advice = if one_has_none {
            "programs ask the next resolver only if the one before fails, not if it says that there is \
             nothing: all resolvers in /etc/resolv.conf must know the same names"
        } else {
            "that is common where many addresses share the load; if the name is your own, look whether one \
             of them has old data"
        };
        Some(Finding::new(
            level,
            format!("{} and {} answer differently", first.server, other.server),
            format!("{}: {} against {}", a.kind, values(a), values(b)),
            &[advice.to_owned()],
        ))
    };
    others.iter().filter_map(compare).collect()
}

/// Whether it said something about the name.
fn is_settled(row: &TypeRow) -> bool {
    let about_names = [Rcode::NOERROR.name(), Rcode::NXDOMAIN.name()];
    row.answered > 0 && about_names.iter().any(|it| row.results.contains_key(it))
}
