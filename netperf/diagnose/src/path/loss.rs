//! Where does loss begin that reaches the destination?

use netperf_core::units::Percent;

use super::share::Share;
use super::{FEW, Stop, Way};
use crate::{Finding, Level};

/// From this share on an application can hardly be used.
pub(super) const CRITICAL_PERCENT: f64 = 20.0;

/// Logarithm of how much likelier a split may be by chance.
const CHANCE: f64 = 0.5;

pub(super) fn of(way: &Way<'_>) -> Option<Finding> {
    // Where packets go round, the link in front of the destination is not what loses them.
    if way.path.circle().is_some() {
        return None;
    }
    let last = way
        .stops
        .last()
        .filter(|stop| way.path.distance() == Some(stop.ttl))?;
    let share = way.share(last);
    let share = share.percent().filter(|_| share.lost > 0)?;
    let is_plain = |stop: &&Stop<'_>| !way.answers_rarely(stop);
    let plain: Vec<Stop<'_>> = way.stops.iter().filter(is_plain).copied().collect();
    let shares: Vec<Share> = plain.iter().map(|stop| way.share(stop)).collect();
    let begin = begin(&shares)?;
    let (before, first, last) = (
        begin.checked_sub(1).map(|place| plain[place]),
        plain[begin],
        plain.last().copied()?,
    );
    let from = before.map_or("this machine".to_owned(), |stop| way.name(stop));
    let place = if begin + 1 == plain.len() {
        format!(
            "it begins between {from} and {}, the last stop that answers",
            way.name(first)
        )
    } else {
        format!(
            "it begins between {from} and {} and lasts to the end",
            way.name(first)
        )
    };
    let mut shown: Vec<Stop<'_>> = before.into_iter().chain([first, last]).collect();
    shown.dedup_by_key(|stop| stop.ttl);
    let evidence = shown
        .iter()
        .map(|stop| format!("{} {}", way.name(*stop), way.share(stop).words()));
    Some(Finding {
        level: if share >= CRITICAL_PERCENT {
            Level::Critical
        } else {
            Level::Warn
        },
        what: format!("{} of the packets are lost: {place}", Percent(share)),
        evidence: evidence.collect::<Vec<_>>().join(", "),
        advice: advice(way, first, plain.len() - begin),
    })
}

/// The first stop behind the link that loses. Each hop has its own probes, so that some lose more by
/// chance: of all ways to split the hops in two parts with a share of loss each, the likeliest counts.
fn begin(shares: &[Share]) -> Option<usize> {
    let split = |place: usize| {
        let (before, behind) = shares.split_at(place);
        let (before, behind) = (Share::sum(before), Share::sum(behind));
        let is_more = place == 0 || behind.is_more_than(before);
        is_more.then(|| (before.likelihood() + behind.likelihood(), place))
    };
    let splits: Vec<(f64, usize)> = (0..shares.len()).filter_map(split).collect();
    let likeliest = splits.iter().map(|split| split.0).max_by(f64::total_cmp)?;
    // A later split always fits a little better: it takes more than that to pass over a hop that loses.
    let mut fitting = splits.iter().filter(|split| split.0 + CHANCE > likeliest);
    fitting.next().map(|&(_, place)| place)
}

/// `witnesses` are the stops that lose, the destination included.
fn advice(way: &Way<'_>, first: Stop<'_>, witnesses: usize) -> Vec<String> {
    let mut advice = Vec::new();
    if way.destination().sent() < FEW {
        let host = &way.path.target.host;
        advice.push(format!(
            "few probes say little: ask longer with `netperf-trace path {host} --report -c 100`"
        ));
    }
    advice.push(match (first.ttl, witnesses) {
        // One router alone may leave out answers by chance as often as the destination loses.
        (1, 2) => "if the first router does not just limit how often it answers, it is your own network: \
                   look at `ip -s link` for errors and drops, at cable, Wi-Fi and whatever saturates the \
                   line (`netperf-trace top`)"
            .to_owned(),
        (1, _) => "it is the first link, your own network: look at `ip -s link` for errors and drops, at \
                   cable, Wi-Fi and whatever saturates the line (`netperf-trace top`)"
            .to_owned(),
        (_, 1) => "ask whoever runs the destination: its link may be full, or it may limit how often \
                      it answers this kind of probe (compare `--tcp PORT`)"
            .to_owned(),
        _ => format!(
            "ask whoever runs {} and the link in front of it, with this report; the same from the other \
             end shows whether packets are lost there or back",
            way.name(first)
        ),
    });
    advice
}
