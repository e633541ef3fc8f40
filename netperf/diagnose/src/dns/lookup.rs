//! Is there such a name, and what does looking it up cost?

use netperf_core::model::dns::resolver::{ResolverRow, TypeRow};
use netperf_core::model::dns::{DnsFigures, QueryRow};
use netperf_core::sample::dns::{DnsSample, LookupEnd, Rcode};
use netperf_core::units::format_micros;

use crate::{Finding, Level};

/// The name has no records, whoever is asked.
pub(super) fn not_found(figures: &DnsFigures, sample: &DnsSample) -> Option<Finding> {
    let has_records = |row: &TypeRow| !row.values().is_empty();
    let found = figures
        .resolvers
        .iter()
        .any(|it| it.types.iter().any(has_records));
    let known = sample
        .lookup
        .as_ref()
        .is_some_and(|lookup| !lookup.addresses().is_empty());
    let answered = figures.resolvers.iter().any(|it| it.answered() > 0);
    if found || known || !answered {
        return None;
    }
    let (mut no_name, mut no_records) = (Vec::new(), Vec::new());
    for resolver in &figures.resolvers {
        let says = |rcode: Rcode| {
            let name = rcode.name();
            resolver
                .types
                .iter()
                .any(|it| it.results.contains_key(&name))
        };
        if says(Rcode::NXDOMAIN) {
            no_name.push(resolver.server.to_string());
        } else if says(Rcode::NOERROR) {
            no_records.push(resolver.server.to_string());
        }
    }
    let tried = figures
        .lookup
        .as_ref()
        .map(|lookup| lookup.names.join(", "));
    let tried = tried.filter(|names| !names.is_empty() && *names != sample.asked);
    let tried = tried.map_or(String::new(), |names| format!("; tried were {names}"));
    if !no_name.is_empty() {
        let who = no_name.join(", ");
        return Some(Finding::new(
            Level::Critical,
            format!("there is no name {}", sample.asked),
            format!("NXDOMAIN from {who}{tried}"),
            &["look for a typing error, or ask whoever runs the domain".to_owned()],
        ));
    }
    if !no_records.is_empty() {
        let who = no_records.join(", ");
        let kinds = kinds(&figures.resolvers);
        return Some(Finding::new(
            Level::Critical,
            format!("{} has no record of type {kinds}", sample.asked),
            format!("NOERROR without such a record from {who}{tried}"),
            &["the name exists, with records of other types".to_owned()],
        ));
    }
    None
}

fn kinds(resolvers: &[ResolverRow]) -> String {
    let first = resolvers.iter().find(|it| !it.types.is_empty());
    let kinds = first
        .iter()
        .flat_map(|it| &it.types)
        .map(|it| it.kind.as_str());
    kinds.collect::<Vec<_>>().join(" or ")
}

/// A lookup that tries several names or asks again.
pub(super) fn many_queries(figures: &DnsFigures, sample: &DnsSample) -> Option<Finding> {
    let lookup = figures.lookup.as_ref()?;
    let names = lookup.names.len();
    if names < 2 && lookup.timeouts == 0 {
        return None;
    }
    let mut advice = Vec::new();
    if names > 1 && lookup.found.is_some() {
        advice.push(format!(
            "write `{}.` with the dot at its end where programs take it: one name is tried then",
            lookup.found.as_deref().unwrap_or_default()
        ));
        let smaller = match sample.service.options.ndots {
            0 | 1 => String::new(),
            ndots => format!(", or a smaller `ndots` than {ndots},"),
        };
        advice.push(format!(
            "fewer domains in `search`{smaller} in /etc/resolv.conf (in Kubernetes: `dnsConfig`), the one \
             that is needed first"
        ));
    }
    if lookup.timeouts > 0 {
        advice.push(
            "`options timeout:1 attempts:2` in /etc/resolv.conf shortens the wait for a resolver that \
             does not answer"
                .to_owned(),
        );
    }
    Some(Finding {
        level: Level::Warn,
        what: format!("one lookup costs {} queries", lookup.sent),
        evidence: format!(
            "{} tried, {} unanswered, {} in all",
            match names {
                1 => "one name".to_owned(),
                _ => format!("{names} names ({})", lookup.names.join(", ")),
            },
            lookup.timeouts,
            format_micros(lookup.took_us)
        ),
        advice,
    })
}

/// A search domain that resolvers do not answer for: each lookup waits for it first.
pub(super) fn silent_domain(figures: &DnsFigures, sample: &DnsSample) -> Option<Finding> {
    let lookup = figures.lookup.as_ref()?;
    let itself = sample.name.strip_suffix('.').unwrap_or(&sample.name);
    let with_domain = |it: &&QueryRow| it.result == "timeout" && it.name != itself;
    let silent = lookup.queries.iter().find(with_domain)?;
    let domain = silent.name.strip_prefix(itself)?.trim_start_matches('.');
    let of_name = lookup.queries.iter().filter(|it| it.name == silent.name);
    if of_name.clone().any(|it| it.result != "timeout") {
        return None;
    }
    let mut waits: Vec<(usize, u64)> = of_name.map(|it| (it.round, it.took_us)).collect();
    waits.dedup_by_key(|wait| wait.0);
    let waited: u64 = waits.iter().map(|wait| wait.1).sum();
    // Where other names are not answered for either, the domain is not to blame.
    let answered = lookup.queries.iter().any(|it| it.result != "timeout");
    answered.then(|| {
        Finding::new(
            Level::Warn,
            format!("no resolver answers for the search domain {domain}, and each lookup waits for it"),
            format!(
                "{} was asked for in vain for {}; the C library then leaves the other domains out and tries the \
                 name as it is",
                silent.name,
                format_micros(waited)
            ),
            &[
                format!("take {domain} out of `search` in /etc/resolv.conf, or let the resolver answer for it"),
            ],
        )
    })
}

pub(super) fn hosts_entry(figures: &DnsFigures, sample: &DnsSample) -> Option<Finding> {
    let end = &sample.lookup.as_ref()?.end;
    if !matches!(end, LookupEnd::Hosts(_)) || !sample.service.hosts_come_first() {
        return None;
    }
    let addresses: Vec<_> = figures.hosts.iter().map(ToString::to_string).collect();
    Some(Finding::new(
        Level::Ok,
        format!(
            "programs do not ask for {}: it is in /etc/hosts",
            sample.name
        ),
        format!(
            "/etc/hosts has {}, and comes first ({})",
            addresses.join(" "),
            sample.service.sources.join(" ")
        ),
        &[],
    ))
}

/// Sources that are not played here.
pub(super) fn other_sources(figures: &DnsFigures, sample: &DnsSample) -> Option<Finding> {
    figures.lookup.as_ref()?;
    let known = ["files", "dns", "myhostname"];
    let other = sample
        .service
        .sources
        .iter()
        .filter(|it| !known.contains(&it.as_str()));
    let other: Vec<_> = other.map(String::as_str).collect();
    if other.is_empty() {
        return None;
    }
    Some(Finding::new(
        Level::Ok,
        format!("programs also look elsewhere: {}", other.join(", ")),
        format!(
            "`hosts: {}` in /etc/nsswitch.conf (actions left out); only files and dns are measured here",
            sample.service.sources.join(" ")
        ),
        &[],
    ))
}
