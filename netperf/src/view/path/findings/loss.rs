//! Where does loss begin that reaches the destination?

use super::super::words::{lost, percent};
use super::{FEW, Way};
use crate::view::states::{Finding, Level};

/// From this share on an application can hardly be used.
const CRITICAL_PERCENT: f64 = 20.0;

pub(super) fn of(way: &Way<'_>) -> Option<Finding> {
    let destination = way.destination();
    let share = destination
        .loss_percent()
        .filter(|_| destination.lost() > 0)?;
    // Few probes are lost here and others there: half as many are about as many.
    let since = way.since(|stop| {
        stop.figures
            .loss_percent()
            .is_some_and(|own| own * 2.0 >= share)
    })?;
    // A router that answers rarely loses more than what passes it.
    let is_plain = |own: f64| own <= share * 2.0 + 5.0;
    let plain = way.stops.iter().position(|stop| {
        stop.ttl >= way.stops[since].ttl && stop.figures.loss_percent().is_some_and(is_plain)
    })?;
    let before = since.checked_sub(1).map(|place| way.stops[place]);
    let first = way.stops[plain];
    let is_last = plain + 1 == way.stops.len();
    let place = match (before, is_last) {
        (_, true) if since == plain => {
            "it begins at the destination itself or on its link".to_owned()
        }
        _ => format!(
            "it begins {} and lasts to the end",
            between(way, since, plain)
        ),
    };
    let mut evidence: Vec<String> = Vec::new();
    let shown = before
        .into_iter()
        .chain([first])
        .chain(way.stops.last().copied());
    let mut last = 0;
    for stop in shown.filter(|stop| std::mem::replace(&mut last, stop.ttl) != stop.ttl) {
        evidence.push(format!("{} {}", way.name(stop), lost(stop.figures)));
    }
    Some(Finding {
        level: if share >= CRITICAL_PERCENT {
            Level::Critical
        } else {
            Level::Warn
        },
        what: format!("{} of the packets are lost: {place}", percent(share)),
        evidence: evidence.join(", "),
        advice: advice(way, since, is_last),
    })
}

/// From the last hop without the loss to the first that has it and no other.
fn between(way: &Way<'_>, since: usize, plain: usize) -> String {
    let to = way.name(way.stops[plain]);
    match since.checked_sub(1) {
        Some(before) => format!("between {} and {to}", way.name(way.stops[before])),
        None => format!("between this machine and {to}"),
    }
}

fn advice(way: &Way<'_>, since: usize, is_last: bool) -> Vec<String> {
    let mut advice = Vec::new();
    if way.destination().sent() < FEW {
        let host = &way.path.target.host;
        advice.push(format!(
            "few probes say little: ask longer with `netperf-trace path {host} --report -c 100`"
        ));
    }
    advice.push(match (since, is_last) {
        (0, _) => "it is the first link, your own network: look at `ip -s link` for errors and drops, at \
                   cable, Wi-Fi and whatever saturates the line (`netperf-trace top`)"
            .to_owned(),
        (_, true) => "ask whoever runs the destination: its link may be full, or it may limit how often \
                      it answers this kind of probe (compare `--tcp PORT`)"
            .to_owned(),
        _ => format!(
            "ask whoever runs {} and the link in front of it, with this report; the same from the other \
             end shows whether packets are lost there or back",
            way.name(way.stops[since])
        ),
    });
    advice
}
