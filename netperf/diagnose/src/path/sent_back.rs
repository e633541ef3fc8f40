//! Which routers send a part of the probes back with a message, where others reach the destination?

use netperf_core::model::path::{Missed, Told};
use netperf_core::sample::path::Unreachable;
use netperf_core::units::Percent;

use super::Way;
use super::loss::CRITICAL_PERCENT;
use super::share::Share;
use crate::path::words::{lost_without_a_word, mtu, probes};
use crate::{Finding, Level};

pub(super) fn of(way: &Way<'_>) -> Vec<Finding> {
    way.path
        .told()
        .iter()
        .filter_map(|told| one(way, told))
        .collect()
}

fn one(way: &Way<'_>, told: &Told) -> Option<Finding> {
    let (by, says, advice) = match &told.why {
        Missed::Reported { by, why } => (*by, message(*why), advice(*why)),
        Missed::TooBig { by, mtu: known } => (
            *by,
            format!("\"packet too big\", with {}", mtu(*known)),
            "send smaller ones: `--size`; the way to the destination changes between links of different MTU",
        ),
        Missed::NotSent(_) | Missed::Silence | Missed::TooFar => return None,
    };
    let destination = way.destination();
    let share = Share {
        lost: told.times,
        sent: destination.sent(),
    };
    let percent = share.percent()?;
    let rest = Share::of(destination, way.path.told_times());
    Some(Finding {
        level: if percent >= CRITICAL_PERCENT {
            Level::Critical
        } else {
            Level::Warn
        },
        what: format!(
            "{} of the packets are sent back: {} says {says}",
            Percent(percent),
            way.name_of(by)
        ),
        evidence: format!(
            "it said so of {} of {}; the destination answered {}, {}",
            told.times,
            probes(destination.sent()),
            destination.received(),
            lost_without_a_word(rest.lost)
        ),
        advice: vec![advice.to_owned()],
    })
}

/// The message by its name in the RFCs, since a filter may send any of them.
fn message(why: Unreachable) -> String {
    match why {
        Unreachable::Network => {
            "\"network unreachable\": at that moment it has no route there".to_owned()
        }
        Unreachable::Host => {
            "\"host unreachable\": at that moment the host does not answer on its link".to_owned()
        }
        Unreachable::Prohibited => "\"prohibited\": a filter there forbids it".to_owned(),
        Unreachable::Other(kind, code) => format!("ICMP type {kind}, code {code}"),
    }
}

fn advice(why: Unreachable) -> &'static str {
    match why {
        Unreachable::Network => {
            "ask the operator of that router: its route there comes and goes, or is on one of several ways only"
        }
        Unreachable::Host => {
            "look at the host's link, at that router's neighbour table, and whether one of its filters sends \
             this message"
        }
        Unreachable::Prohibited => {
            "look at the filter of that router: a rule with a rate, or one that holds on one of several ways"
        }
        Unreachable::Other(..) => "ask the operator of that router, with this report",
    }
}
