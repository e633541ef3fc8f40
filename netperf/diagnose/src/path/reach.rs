//! Is the destination reached at all, and if not, where does the way end?

use netperf_core::model::path::{Loop, Missed};
use netperf_core::sample::path::Method;

use super::{Stop, Way, words};
use crate::path::words::{method, unreachable};
use crate::{Finding, Level};

pub(super) fn of(way: &Way<'_>) -> Option<Finding> {
    let path = way.path;
    let answered = path.destination.received() > 0;
    match &path.missed {
        Some(missed) if !answered => Some(never(way, missed)),
        Some(_) => path.circle().map(|circle| lost_its_way(way, &circle)),
        None if path.is_refused => Some(refused(way)),
        _ => None,
    }
}

/// What the reason is, without level and advice.
pub(super) fn reason(way: &Way<'_>, missed: &Missed) -> String {
    if let (Missed::Silence | Missed::TooFar, Some(circle)) = (missed, way.path.circle()) {
        return round(&circle);
    }
    match missed {
        Missed::Reported { by, why } => {
            format!("{} says that {}", way.name_of(*by), unreachable(*why))
        }
        Missed::TooBig { by, mtu } => format!(
            "{} says that the packet is too large for its next link, with {}",
            way.name_of(*by),
            words::mtu(*mtu)
        ),
        Missed::NotSent(why) => format!("this machine does not send the probes: {why}"),
        Missed::TooFar => {
            format!(
                "routers answer at all {} hops that were tried (`--max-hops`)",
                way.path.hops().len()
            )
        }
        Missed::Silence => match way.stops.last() {
            Some(&last) => format!("nothing behind {} answers", way.name(last)),
            None => "nothing answers at all".to_owned(),
        },
    }
}

/// A loop in words.
fn round(circle: &Loop) -> String {
    match circle.routers.as_slice() {
        [one] => format!(
            "packets go round in a routing loop: {one} gets the same packet again and again, from hop {} on",
            circle.from
        ),
        [one, other] => format!(
            "packets go round in a routing loop: {one} and {other} send them to each other, from hop {} on",
            circle.from
        ),
        all => format!(
            "packets go round in a routing loop between {}, from hop {} on",
            words::addresses(all),
            circle.from
        ),
    }
}

/// The destination answered before, and packets go round now.
fn lost_its_way(way: &Way<'_>, circle: &Loop) -> Finding {
    let (sent, received) = (way.destination().sent(), way.destination().received());
    Finding {
        level: Level::Critical,
        what: format!(
            "{} is no longer reached: {}",
            words::target(&way.path.target),
            round(circle)
        ),
        evidence: format!(
            "the destination answered {received} of {}, and since then these routers answer again and again",
            words::probes(sent)
        ),
        advice: vec![loop_advice(way, circle)],
    }
}

fn loop_advice(way: &Way<'_>, circle: &Loop) -> String {
    format!(
        "ask whoever runs {}: their routes to {} lead back; on a router of your own, `ip route get {}` shows \
         its next hop",
        words::addresses(&circle.routers),
        way.path.target.address,
        way.path.target.address
    )
}

fn never(way: &Way<'_>, missed: &Missed) -> Finding {
    let target = &way.path.target;
    let (sent, what) = (way.destination().sent(), method(target.method));
    Finding {
        level: Level::Critical,
        what: format!(
            "{} is not reached: {}",
            words::target(target),
            reason(way, missed)
        ),
        evidence: if sent == 0 {
            "no probe left this machine that could have been answered".to_owned()
        } else {
            format!(
                "of {} ({what}) the destination answered none",
                words::probes(sent)
            )
        },
        advice: advice(way, missed),
    }
}

fn advice(way: &Way<'_>, missed: &Missed) -> Vec<String> {
    let host = &way.path.target.host;
    if let (Missed::Silence | Missed::TooFar, Some(circle)) = (missed, way.path.circle()) {
        return vec![loop_advice(way, &circle)];
    }
    match missed {
        Missed::NotSent(_) => vec![
            "look at this machine's routes, link and filters: `ip route get ADDRESS`, `ip neigh`, `nft list \
             ruleset`".to_owned(),
        ],
        Missed::Reported { .. } => vec![
            "ask the operator of that router; if it is yours, check its routes, its filter and the host's \
             link"
                .to_owned(),
        ],
        Missed::TooBig { .. } => vec!["send smaller ones: `--size`".to_owned()],
        Missed::TooFar => vec!["allow more with `--max-hops`".to_owned()],
        Missed::Silence => silence(way.path.target.method, host, way.stops.last()),
    }
}

fn silence(method: Method, host: &str, last: Option<&Stop<'_>>) -> Vec<String> {
    let mut advice = Vec::new();
    if method == Method::Icmp {
        advice.push(format!(
            "the host may be up and only refuse echo: ask the port that matters, `netperf-trace path {host} \
             --tcp 443`"
        ));
    } else {
        advice.push("a filter may drop these probes: compare with ICMP".to_owned());
    }
    if last.is_none() {
        advice.push(
            "where not even the first hop answers, look at this machine's link and its gateway: \
                     `ip route`, `ip neigh`"
                .to_owned(),
        );
    }
    advice
}

fn refused(way: &Way<'_>) -> Finding {
    let target = &way.path.target;
    Finding {
        level: Level::Warn,
        what: format!(
            "the way is open, but {} refuses {}",
            words::target(target),
            refusal(target.method)
        ),
        evidence: "the host answers itself: nothing listens on that port, or its filter rejects"
            .to_owned(),
        advice: vec!["on the host: `netperf-trace sockets -tl` shows who listens where".to_owned()],
    }
}

fn refusal(asked: Method) -> String {
    match asked {
        Method::Tcp(port) => format!("connections to port {port}"),
        Method::Icmp | Method::Udp(_) => method(asked),
    }
}
