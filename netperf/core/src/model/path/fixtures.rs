//! Paths made by hand, for tests.
#![expect(
    clippy::unwrap_used,
    reason = "only tests call these, and a wrong fixture may fail them"
)]

use std::net::IpAddr;

use super::PathModel;
use crate::clock::{MonoNs, WallNs};
use crate::sample::path::{Method, Outcome, PathCycle, PathTarget, Reply, Said, Unreachable};

/// 192.0.2.1, by ICMP.
pub fn target() -> PathTarget {
    PathTarget {
        host: "example.org".to_owned(),
        address: address("!"),
        method: Method::Icmp,
        size: 64,
    }
}

/// A cycle of `r1 1000, -, ! 3000`: router 1 after 1000 µs, silence, the destination. Behind the time may
/// stand what was said instead of that: `unreachable`, `refused`.
pub fn cycle(number: u64, outcomes: &str) -> PathCycle {
    PathCycle {
        cycle: number,
        at: MonoNs(number * 1_000_000_000),
        wall: WallNs(1_795_340_460_000_000_000 + number * 1_000_000_000),
        probes: outcomes.split(", ").map(outcome).collect(),
        is_exhausted: false,
    }
}

/// A path after these cycles.
pub fn model<'c>(cycles: impl IntoIterator<Item = &'c str>) -> PathModel {
    let mut model = PathModel::new(target());
    for (outcomes, number) in cycles.into_iter().zip(1..) {
        model.advance(&cycle(number, outcomes));
    }
    model
}

fn outcome(text: &str) -> Outcome {
    let words: Vec<&str> = text.split(' ').collect();
    let [who, rtt_us, rest @ ..] = words.as_slice() else {
        return match text {
            "-" => Outcome::Lost,
            why => Outcome::NotSent(why.to_owned()),
        };
    };
    let said = match (rest, *who) {
        (["unreachable"], _) => Said::Unreachable(Unreachable::Host),
        (["prohibited"], _) => Said::Unreachable(Unreachable::Prohibited),
        (["refused"], _) => Said::Refused,
        (_, "!") => Said::Reached,
        _ => Said::Expired,
    };
    Outcome::Answered(Reply {
        from: address(who),
        rtt_us: rtt_us.parse().unwrap(),
        said,
    })
}

fn address(who: &str) -> IpAddr {
    match who.strip_prefix('r') {
        Some(router) => format!("10.0.{router}.1").parse().unwrap(),
        None => "192.0.2.1".parse().unwrap(),
    }
}
