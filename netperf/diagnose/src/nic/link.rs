//! Does a link run as well as it could?

use netperf_core::model::nic::figures::NicRow;
use netperf_core::sample::nic::Duplex;
use netperf_core::units::{LinkSpeed, counted, grouped};

use crate::{Finding, Level, Period};

pub(super) fn of(row: &NicRow<'_>, period: Period) -> Vec<Finding> {
    let all = [
        half_duplex(row),
        slow(row),
        comes_and_goes(row, period),
        no_link(row),
    ];
    all.into_iter().flatten().collect()
}

fn half_duplex(row: &NicRow<'_>) -> Option<Finding> {
    if row.duplex != Some(Duplex::Half) || row.carrier == Some(false) || !row.up {
        return None;
    }
    let name = row.name;
    let autoneg = match row.autoneg {
        Some(true) => "autonegotiation is on: an end that finds no answer to it takes half duplex",
        Some(false) => "autonegotiation is off",
        None => "the driver does not say whether it negotiates",
    };
    let speed = row.speed_mbit.map(LinkSpeed);
    let speed = speed.map_or("an unknown speed".to_owned(), |it| it.to_string());
    Some(Finding {
        level: Level::Warn,
        what: format!("{} runs on half duplex: both directions share its speed", row.place()),
        evidence: format!("half duplex at {speed}; {autoneg}"),
        advice: vec![
            "mostly one end is set to a fixed speed and the other negotiates: the one that negotiates \
             falls back to half duplex, and both lose packets under load. Let both negotiate"
                .to_owned(),
            format!("here: `ethtool -s {name} autoneg on`; then look at the port of the switch"),
        ],
    })
}

fn slow(row: &NicRow<'_>) -> Option<Finding> {
    let (now, possible) = (row.speed_mbit?, row.supported_mbit?);
    if now >= possible || row.carrier == Some(false) || !row.up || row.speed_is_nominal {
        return None;
    }
    let (name, possible_text) = (row.name, LinkSpeed(possible));
    let offered_here = row.advertised_mbit.unwrap_or(possible);
    let (level, why, advice) = match row.peer_mbit {
        Some(peer) if peer <= now => (
            Level::Ok,
            format!("the other end offers no more than {}", LinkSpeed(peer)),
            format!("for more, use a port of the switch, or a peer, that can do {possible_text}"),
        ),
        _ if offered_here <= now => (
            Level::Warn,
            format!("this end is set to offer no more than {}", LinkSpeed(offered_here)),
            format!("let it offer all that it can: `ethtool -s {name} autoneg on`"),
        ),
        Some(peer) => (
            Level::Warn,
            format!("the other end offers {}, and yet they agreed on less", LinkSpeed(peer)),
            "change the cable: one with a broken or missing pair does 100 Mbit/s and no more; an old \
             one (below Cat 5e, or Cat 6 for 10 Gbit/s) does not carry the higher speed"
                .to_owned(),
        ),
        None => (
            Level::Warn,
            "what the other end offers is not known".to_owned(),
            format!(
                "look at the port of the switch: is it set to {}? Then change the cable",
                LinkSpeed(now)
            ),
        ),
    };
    Some(Finding {
        level,
        what: format!(
            "{} runs at {}, and can do {possible_text}",
            row.place(),
            LinkSpeed(now)
        ),
        evidence: why,
        advice: vec![advice],
    })
}

fn comes_and_goes(row: &NicRow<'_>, period: Period) -> Option<Finding> {
    let changes = row.carrier_changes_in_tick.filter(|&changes| changes > 0)?;
    let total = row.carrier_changes.unwrap_or(changes);
    Some(Finding {
        level: Level::Warn,
        what: format!("the link of {} came or went", row.place()),
        evidence: format!(
            "{} {period}, {} since the interface was made",
            counted(changes, "change", "changes"),
            grouped(total)
        ),
        advice: vec![
            "if that was not on purpose, the cable, the transceiver or the port is bad: `dmesg` shows when \
             it happened"
                .to_owned(),
        ],
    })
}

/// An interface of hardware that is set up and has no cable is no trouble, but good to know.
fn no_link(row: &NicRow<'_>) -> Option<Finding> {
    let lacks = row.is_hardware() && row.up && row.carrier == Some(false);
    lacks.then(|| Finding {
        level: Level::Ok,
        what: format!("{} is set up and has no link", row.place()),
        evidence: "no carrier: nothing is plugged in, or the other end is off".to_owned(),
        advice: Vec::new(),
    })
}
