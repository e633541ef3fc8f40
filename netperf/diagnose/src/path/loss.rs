//! Where does loss begin that reaches the destination?

use netperf_core::model::path::Figures;
use netperf_core::units::Percent;

use super::{FEW, Stop, Way};
use crate::path::words::lost;
use crate::{Finding, Level};

/// From this share on an application can hardly be used.
const CRITICAL_PERCENT: f64 = 20.0;

pub(super) fn of(way: &Way<'_>) -> Option<Finding> {
    let destination = way.destination();
    let share = destination
        .loss_percent()
        .filter(|_| destination.lost() > 0)?;
    // A router that answers rarely loses more than what passes it, and says nothing of the way.
    let is_plain = |stop: &&Stop<'_>| {
        let own = stop.figures.loss_percent();
        own.is_some_and(|own| own <= share * 2.0 + 5.0)
    };
    let plain: Vec<Stop<'_>> = way.stops.iter().filter(is_plain).copied().collect();
    let begin = begin(&plain)?;
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
        .map(|stop| format!("{} {}", way.name(*stop), lost(stop.figures)));
    Some(Finding {
        level: if share >= CRITICAL_PERCENT {
            Level::Critical
        } else {
            Level::Warn
        },
        what: format!("{} of the packets are lost: {place}", Percent(share)),
        evidence: evidence.collect::<Vec<_>>().join(", "),
        advice: advice(way, first, begin + 1 == plain.len()),
    })
}

/// The first stop behind the link that loses. Each hop has its own probes, so that some lose more by
/// chance: of all ways to split the hops in two parts with a share of loss each, the likeliest counts.
fn begin(stops: &[Stop<'_>]) -> Option<usize> {
    let split = |place: usize| {
        let (before, behind) = stops.split_at(place);
        let (before, behind) = (Share::of(before), Share::of(behind));
        let is_more = place == 0 || behind.is_more_than(before);
        is_more.then(|| (before.likelihood() + behind.likelihood(), place))
    };
    let splits = (0..stops.len()).filter_map(split);
    splits
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, place)| place)
}

/// What several hops lost together.
#[derive(Clone, Copy, Debug)]
struct Share {
    lost: f64,
    sent: f64,
}

impl Share {
    fn of(stops: &[Stop<'_>]) -> Self {
        let sum = |figure: fn(&Figures) -> u64| {
            stops.iter().map(|stop| count(figure(stop.figures))).sum()
        };
        Self {
            lost: sum(Figures::lost),
            sent: sum(Figures::sent),
        }
    }

    fn is_more_than(self, other: Self) -> bool {
        self.lost * other.sent > other.lost * self.sent
    }

    /// Logarithm of how likely this is if each probe is lost with this very share.
    fn likelihood(self) -> f64 {
        let part = |number: f64| {
            if number > 0.0 {
                number * (number / self.sent).ln()
            } else {
                0.0
            }
        };
        part(self.lost) + part(self.sent - self.lost)
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}

fn advice(way: &Way<'_>, first: Stop<'_>, is_last: bool) -> Vec<String> {
    let mut advice = Vec::new();
    if way.destination().sent() < FEW {
        let host = &way.path.target.host;
        advice.push(format!(
            "few probes say little: ask longer with `netperf-trace path {host} --report -c 100`"
        ));
    }
    advice.push(match (first.ttl, is_last) {
        (1, _) => "it is the first link, your own network: look at `ip -s link` for errors and drops, at \
                   cable, Wi-Fi and whatever saturates the line (`netperf-trace top`)"
            .to_owned(),
        (_, true) => "ask whoever runs the destination: its link may be full, or it may limit how often \
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
