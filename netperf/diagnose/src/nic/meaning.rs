//! What does each counter mean, and what is the first thing to do where it is not zero?

use netperf_core::model::nic::figures::NicRow;
use netperf_core::sample::nic::LinkCounter;
use serde::Serialize;

/// A counter that is not zero somewhere, and what that means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Meaning {
    /// The counter.
    pub counter: &'static str,
    /// What it counts.
    pub meaning: &'static str,
    /// What to do first.
    pub first_step: &'static str,
}

/// Each counter that matters and is not zero, once.
pub fn meanings(rows: &[NicRow<'_>]) -> Vec<Meaning> {
    let is_set = |counter: &LinkCounter| rows.iter().any(|row| row.total(*counter) > Some(0));
    let counters = LinkCounter::ALL.into_iter().filter(is_set);
    counters
        .filter_map(|counter| {
            let (meaning, first_step) = words(counter)?;
            Some(Meaning {
                counter: counter.name(),
                meaning,
                first_step,
            })
        })
        .collect()
}

const CABLE: &str = "change the cable or the transceiver, then the port of the switch; compare the \
                     counters of the port";
const DUPLEX: &str = "compare speed and duplex of both ends (`ethtool` here, the switch there) and let \
                      both negotiate: `ethtool -s NAME autoneg on`";
const ROOM: &str = "enlarge the ring (`ethtool -g NAME` shows the maximum, `ethtool -G NAME rx N` sets \
                    it), and spread the packets over more processors (`ethtool -l NAME`, `ethtool -L \
                    NAME combined N`)";
const OTHERS: &str = "look which of the counters below grows with it";

/// What a counter counts, and the first thing to do; `None` for what is no trouble.
pub fn words(counter: LinkCounter) -> Option<(&'static str, &'static str)> {
    received(counter).or_else(|| sent(counter))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the others are not of what arrives"
)]
fn received(counter: LinkCounter) -> Option<(&'static str, &'static str)> {
    Some(match counter {
        LinkCounter::RxErrors => (
            "packets that arrived damaged or could not be taken, of all kinds",
            OTHERS,
        ),
        LinkCounter::RxDropped => (
            "packets that arrived whole and were thrown away: no processor or driver had room for them, or \
             nothing here handles their protocol or VLAN",
            "a few a second are protocols of the switch (LLDP, STP); many: look whether DROPPED of the \
             processors grows with it, and see the reasons with `netperf-trace retrans`",
        ),
        LinkCounter::RxLengthErrors => (
            "frames of a length that is not allowed: mostly longer than the MTU here",
            "give both ends the same MTU: `ip link show NAME`, `ip link set NAME mtu N`",
        ),
        LinkCounter::RxOverErrors | LinkCounter::RxFifoErrors => (
            "packets that the device had no room for: this host was too slow to take them",
            ROOM,
        ),
        LinkCounter::RxCrcErrors => ("frames that were damaged on the wire", CABLE),
        LinkCounter::RxFrameErrors => (
            "frames that end within a byte: damaged on the wire, or a mismatch of duplex",
            CABLE,
        ),
        LinkCounter::RxMissedErrors => (
            "packets that found no room in the ring: this host was too slow to take them",
            ROOM,
        ),
        LinkCounter::RxNohandler => (
            "packets that came to an interface that passes nothing on, such as the resting one of a \
             bond: mostly harmless",
            "look at what it belongs to: `ip -d link show NAME`",
        ),
        _ => return None,
    })
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the others are not of what is sent"
)]
fn sent(counter: LinkCounter) -> Option<(&'static str, &'static str)> {
    Some(match counter {
        LinkCounter::TxErrors => ("packets that could not be sent, of all kinds", OTHERS),
        LinkCounter::TxDropped => (
            "packets that the driver did not take: no room, or no link",
            "look whether the link goes up and down; enlarge the ring: `ethtool -G NAME tx N`",
        ),
        LinkCounter::Collisions => (
            "both ends sent at the same time: that happens on half duplex only",
            DUPLEX,
        ),
        LinkCounter::TxAbortedErrors => ("packets given up after many collisions", DUPLEX),
        LinkCounter::TxCarrierErrors => (
            "the carrier went while a packet was sent, or was not there",
            CABLE,
        ),
        LinkCounter::TxFifoErrors => (
            "the device ran out of data while it sent a packet: memory or bus was too slow",
            "update driver and firmware; look for errors of the bus: `dmesg`",
        ),
        LinkCounter::TxHeartbeatErrors => ("an old test of half duplex failed", DUPLEX),
        LinkCounter::TxWindowErrors => (
            "collisions that came late: a mismatch of duplex, or a cable that is too long",
            DUPLEX,
        ),
        _ => return None,
    })
}
