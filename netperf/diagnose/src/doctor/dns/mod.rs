//! How long do processes wait for names, and do they get them? As the processes see it: what they asked, and
//! when their answer came.

mod row;

use std::net::{IpAddr, SocketAddr};

use netperf_core::model::spread::Spread;
use netperf_core::units::{counted, format_micros};

pub use self::row::{LookupRow, rows};
use super::{Check, Measured, Topic};
use crate::{Finding, Level};

/// Fewer queries than these are seen in passing.
const SOME: u64 = 3;
/// A lookup that takes longer is felt: a page asks for dozens of names.
const SLOW_US: u64 = 100_000;
/// Who waits so long for a name has a trouble already.
const VERY_SLOW_US: u64 = 1_000_000;
/// Share of the queries from which on it is most of them.
const MOST: f64 = 0.5;
const SHOWN_MAX: usize = 3;
/// Pairs that stand in the evidence.
const NAMED_MAX: usize = 3;

/// Judges the lookups of processes; `rows` are those of [`rows`].
pub(super) fn check(measured: &Measured<'_>, rows: &[LookupRow]) -> Check {
    let unread = match measured.lookups {
        Ok(lookups) => lookups.unread,
        Err(why) => return Check::skipped(Topic::Dns, why),
    };
    let mut findings: Vec<_> = rows.iter().filter_map(finding).collect();
    findings.sort_by_key(|finding| finding.level);
    findings.truncate(SHOWN_MAX);
    let mut evidence = evidence(rows);
    if unread > 0 {
        let packets = counted(unread, "packet", "packets");
        evidence.extend(["; ", &packets, " could not be read"]);
    }
    Check::new(Topic::Dns, evidence, findings)
}

fn evidence(rows: &[LookupRow]) -> String {
    if rows.is_empty() {
        return "no lookup was seen: no process sent a query to port 53".to_owned();
    }
    let queries: u64 = rows.iter().map(|row| row.queries).sum();
    let mut text = counted(queries, "query", "queries");
    let named = rows.iter().take(NAMED_MAX).map(|row| {
        let times = row.time.as_ref().map_or(String::new(), |time| {
            format!(
                ", half within {}, 95 % within {}",
                format_micros(time.p50_us),
                format_micros(time.p95_us)
            )
        });
        format!(
            "{} queried {} {}{times}",
            row.who(),
            row.resolver,
            times_of(row.queries)
        )
    });
    text.extend([": ", &named.collect::<Vec<_>>().join("; ")]);
    if let Some(more @ 1..) = rows.len().checked_sub(NAMED_MAX) {
        text.extend(["; and ", &more.to_string(), " more"]);
    }
    text
}

fn times_of(count: u64) -> String {
    counted(count, "time", "times")
}

/// The worst of what is wrong between a process and a resolver.
fn finding(row: &LookupRow) -> Option<Finding> {
    let found = [lost(row), failing(row), slow(row)];
    found
        .into_iter()
        .flatten()
        .min_by_key(|finding| finding.level)
}

fn is_most(part: u64, row: &LookupRow) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
    let share = part as f64 / row.queries as f64;
    share >= MOST
}

fn lost(row: &LookupRow) -> Option<Finding> {
    let (who, resolver) = (row.who(), row.resolver);
    let (level, what) = match row.lost {
        0 => return None,
        SOME.. if is_most(row.lost, row) => (Level::Critical, "gets no answer"),
        _ if row.lost == row.queries => (Level::Warn, "gets no answer"),
        _ => (Level::Warn, "does not get every answer"),
    };
    Some(Finding {
        level,
        what: format!("DNS: {who} {what} from resolver {resolver}"),
        evidence: format!(
            "{} of {} stayed without an answer, {} sent again{}; the C library waits 5 s for each before it \
             repeats the query or tries the next resolver",
            row.lost,
            counted(row.queries, "query", "queries"),
            times_of(row.retries),
            example(row.lost_name.as_deref()),
        ),
        advice: vec![
            format!(
                "does it answer at all? {}",
                try_it(row, row.lost_name.as_deref())
            ),
            format!(
                "if it does not: look at the way to it (`netperf-trace path {}`; a firewall may drop port 53), \
                 and put a resolver that answers first in /etc/resolv.conf",
                resolver.ip()
            ),
            watch(row),
        ],
    })
}

fn failing(row: &LookupRow) -> Option<Finding> {
    let failures: u64 = row.failures.values().sum();
    let (who, resolver) = (row.who(), row.resolver);
    let level = match failures {
        0 => return None,
        SOME.. if is_most(failures, row) => Level::Critical,
        SOME.. => Level::Warn,
        _ if failures == row.queries => Level::Warn,
        _ => return None,
    };
    let worst = row.failures.iter().max_by_key(|(_, count)| **count);
    let result = worst.map_or("", |(name, _)| name.as_str());
    let remedy = match result {
        "REFUSED" => {
            "it does not serve this machine: ask who runs it to allow this address, or take another resolver"
        }
        "SERVFAIL" => {
            "it could not find out: the domain is broken, its DNSSEC check fails, or it can't reach the \
             servers of the domain; whether another resolver finds out shows which"
        }
        _ => "look at the log of the resolver",
    };
    Some(Finding {
        level,
        what: format!("DNS: resolver {resolver} fails for {who}: {result}"),
        evidence: format!(
            "{} of {} failed: {}{}",
            failures,
            counted(row.queries, "query", "queries"),
            row.results(),
            example(row.failed_name.as_deref()),
        ),
        advice: vec![
            format!(
                "ask it yourself, and then another one: {}",
                try_it(row, row.failed_name.as_deref())
            ),
            remedy.to_owned(),
            watch(row),
        ],
    })
}

fn slow(row: &LookupRow) -> Option<Finding> {
    let time = row.time.as_ref().filter(|time| time.p95_us > SLOW_US)?;
    let level = match (time.p95_us > VERY_SLOW_US, row.queries >= SOME) {
        (true, true) => Level::Critical,
        (true, false) | (false, true) => Level::Warn,
        (false, false) => return None,
    };
    let (who, resolver) = (row.who(), row.resolver);
    Some(Finding {
        level,
        what: format!("DNS: {who} waits long for names: resolver {resolver} is slow"),
        evidence: format!(
            "{}: {}{}",
            counted(row.queries, "query", "queries"),
            spread(time),
            example(row.slowest.as_deref()),
        ),
        advice: vec![
            format!("is it always slow? {}", try_it(row, row.slowest.as_deref())),
            remedy(resolver),
            watch(row),
        ],
    })
}

fn spread(time: &Spread) -> String {
    format!(
        "half of the answers took {} or longer, the slowest {} (p95 {})",
        format_micros(time.p50_us),
        format_micros(time.max_us),
        format_micros(time.p95_us)
    )
}

fn remedy(resolver: SocketAddr) -> String {
    if is_here(resolver.ip()) {
        return "it runs on this machine and forwards to others: see which, and whether they are slow, with \
                `netperf-trace dns --watch`"
            .to_owned();
    }
    "a cache on this machine (systemd-resolved, dnsmasq, unbound, nscd) answers repeated queries at once; \
     or take a resolver that is nearer"
        .to_owned()
}

fn is_here(address: IpAddr) -> bool {
    address.is_loopback()
}

fn example(name: Option<&str>) -> String {
    name.map_or(String::new(), |name| format!("; one is `{name}`"))
}

/// The command that asks the same. A name with anything but letters, digits and the like is left out:
/// somebody may paste this line.
fn try_it(row: &LookupRow, name: Option<&str>) -> String {
    let is_plain = |name: &&str| {
        let mut all = name.chars();
        let is_one = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_');
        !name.is_empty() && !name.starts_with('-') && all.all(is_one)
    };
    let name = name.filter(is_plain).unwrap_or("NAME");
    format!("`netperf-trace dns {name} @{}`", row.resolver.ip())
}

fn watch(row: &LookupRow) -> String {
    let pid = match row.pids[..] {
        [pid] if pid != 0 => format!(" --pid {pid}"),
        _ => String::new(),
    };
    format!("see each query as it ends: `netperf-trace dns --watch{pid}`")
}

#[cfg(test)]
mod tests;
