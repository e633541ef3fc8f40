//! Which routers answer probes badly though they pass packets well?

use netperf_core::units::{Percent, format_micros};

use super::{Stop, Way};
use crate::path::words::{hops, probes};
use crate::{Finding, Level};

pub(super) fn of(way: &Way<'_>) -> Vec<Finding> {
    let found = [silent(way), rare(way), slow(way), several(way)];
    found.into_iter().flatten().collect()
}

fn ok(what: String, evidence: String) -> Finding {
    Finding {
        level: Level::Ok,
        what,
        evidence,
        advice: Vec::new(),
    }
}

/// Those that never answer.
fn silent(way: &Way<'_>) -> Option<Finding> {
    let distance = way.path.distance()?;
    let hops_before = way.path.hops().iter().zip(1..distance);
    let ttls: Vec<usize> = hops_before
        .filter(|(hop, _)| hop.is_silent())
        .map(|(_, ttl)| ttl)
        .collect();
    let (verb, them) = if ttls.len() == 1 {
        ("does", "it")
    } else {
        ("do", "them")
    };
    let received = way.destination().received();
    (!ttls.is_empty()).then(|| {
        ok(
            format!("{} {verb} not answer probes: that is not loss", hops(&ttls)),
            format!(
                "{} passed {them} and came back from the destination",
                probes(received)
            ),
        )
    })
}

/// Those that leave out answers.
fn rare(way: &Way<'_>) -> Option<Finding> {
    let share = way.destination().loss_percent()?;
    let is_rare = |stop: &Stop<'_>| stop.figures.lost() > 1 && way.answers_rarely(stop);
    let rare: Vec<Stop<'_>> = way.routers().filter(is_rare).collect();
    let each = rare.iter().map(|stop| {
        let own = stop.figures.loss_percent().unwrap_or(0.0);
        format!(
            "{} leaves out {} of its answers",
            way.name(*stop),
            Percent(own)
        )
    });
    let ttls: Vec<usize> = rare.iter().map(|stop| stop.ttl).collect();
    let verb = if ttls.len() == 1 { "answers" } else { "answer" };
    (!ttls.is_empty()).then(|| {
        ok(
            format!(
                "{} {verb} only some probes: that is not loss, later hops don't show it",
                hops(&ttls)
            ),
            format!(
                "{}; of the probes to the destination {} are lost",
                each.collect::<Vec<_>>().join(", "),
                Percent(share)
            ),
        )
    })
}

/// Those that take their time to answer.
fn slow(way: &Way<'_>) -> Option<Finding> {
    const LEAST_US: u32 = 5_000;
    let median = way.destination().median_us()?;
    let limit = median.saturating_add(median / 2).saturating_add(LEAST_US);
    let slow: Vec<(Stop<'_>, u32)> = way
        .routers()
        .filter_map(|stop| Some((stop, stop.figures.median_us()?)))
        .filter(|&(_, own)| own > limit)
        .collect();
    let ttls: Vec<usize> = slow.iter().map(|(stop, _)| stop.ttl).collect();
    let verb = if ttls.len() == 1 { "is" } else { "are" };
    let each = slow
        .iter()
        .map(|(stop, own)| format!("{} takes {}", way.name(*stop), format_micros(*own)));
    (!ttls.is_empty()).then(|| {
        ok(
            format!(
                "{} {verb} slow to answer probes: what passes is not delayed",
                hops(&ttls)
            ),
            format!(
                "{}, the destination behind {} in the middle",
                each.collect::<Vec<_>>().join(", "),
                format_micros(median)
            ),
        )
    })
}

/// Distances at which several routers answer.
fn several(way: &Way<'_>) -> Option<Finding> {
    let several: Vec<(Stop<'_>, Vec<_>)> = way
        .routers()
        .map(|stop| (stop, way.hosts(stop)))
        .filter(|(_, hosts)| hosts.len() > 1)
        .collect();
    let ttls: Vec<usize> = several.iter().map(|(stop, _)| stop.ttl).collect();
    let each = several.iter().map(|(stop, hosts)| {
        let hosts = hosts
            .iter()
            .map(|(address, times)| format!("{address} {times} times"));
        format!(
            "at hop {}: {}",
            stop.ttl,
            hosts.collect::<Vec<_>>().join(", ")
        )
    });
    (!ttls.is_empty()).then(|| {
        ok(
            format!(
                "several routers answer at {}: the way changes or is shared",
                hops(&ttls)
            ),
            each.collect::<Vec<_>>().join("; "),
        )
    })
}
