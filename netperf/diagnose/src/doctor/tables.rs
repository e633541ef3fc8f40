//! Is a table of the kernel full, or nearly: connections that the firewall tracks, neighbours?

use netperf_core::model::pressure::Pressure;
use netperf_core::units::{counted, grouped};

use super::{Check, Topic};
use crate::{Finding, Level};

/// Percent from which on a table is nearly full.
const NEAR_PERCENT: u64 = 80;

pub(super) fn check(pressure: &Pressure) -> Check {
    let tables = pressure.tables();
    let of = |used: Option<u64>, most: Option<u64>, what: &str| {
        let (used, most) = (used?, most.filter(|&most| most > 0)?);
        Some(format!("{} of {} {what}", grouped(used), grouped(most)))
    };
    let known = [
        of(
            tables.conntrack,
            tables.conntrack_max,
            "tracked connections",
        ),
        of(tables.neighbours, tables.neighbours_max, "neighbours"),
    ];
    let evidence: Vec<_> = known.into_iter().flatten().collect();
    if evidence.is_empty() {
        return Check::skipped(
            Topic::Tables,
            "the kernel does not report how full its tables are",
        );
    }
    let findings = [conntrack(pressure), neighbours(pressure)];
    let findings = findings.into_iter().flatten().collect();
    Check::new(Topic::Tables, evidence.join("; "), findings)
}

fn conntrack(pressure: &Pressure) -> Option<Finding> {
    let tables = pressure.tables();
    let (used, most) = (
        tables.conntrack?,
        tables.conntrack_max.filter(|&most| most > 0)?,
    );
    let dropped = pressure.growth(|it| it.tables.conntrack_drops).unwrap_or(0);
    let is_near = used.saturating_mul(100) / most >= NEAR_PERCENT;
    // Packets are dropped for other reasons as well: only near the limit it is the table.
    let is_full = used >= most || (is_near && dropped > 0);
    (is_full || is_near).then(|| Finding {
        level: if is_full { Level::Critical } else { Level::Warn },
        what: if is_full {
            "the firewall's table of connections is full: new ones are dropped".to_owned()
        } else {
            "the firewall's table of connections is nearly full".to_owned()
        },
        evidence: format!(
            "{} of {} (net.netfilter.nf_conntrack_max); {} dropped",
            grouped(used),
            grouped(most),
            counted(dropped, "packet", "packets")
        ),
        advice: vec![
            format!(
                "give it more room: `sysctl -w net.netfilter.nf_conntrack_max={}` now; to make it last: \
                 `echo 'net.netfilter.nf_conntrack_max = {}' >> \
                 /etc/sysctl.d/90-netperf-advice.conf`",
                most * 2,
                most * 2
            ),
            "see what fills it: `conntrack -L | awk '{print $4}' | sort | uniq -c | sort -rn | head`; \
             traffic that needs no tracking can do without (`NOTRACK`)"
                .to_owned(),
        ],
    })
}

fn neighbours(pressure: &Pressure) -> Option<Finding> {
    let tables = pressure.tables();
    let (used, most) = (
        tables.neighbours?,
        tables.neighbours_max.filter(|&most| most > 0)?,
    );
    let refused = pressure.growth(|it| it.tables.neighbours_full).unwrap_or(0);
    let is_near = used.saturating_mul(100) / most >= NEAR_PERCENT;
    (refused > 0 || is_near).then(|| Finding {
        level: if refused > 0 {
            Level::Critical
        } else {
            Level::Warn
        },
        what: if refused > 0 {
            "the table of neighbours is full: some hosts of the own network can't be reached"
                .to_owned()
        } else {
            "the table of neighbours is nearly full".to_owned()
        },
        evidence: format!(
            "{} of {} (net.ipv4.neigh.default.gc_thresh3); {} found no room",
            grouped(used),
            grouped(most),
            grouped(refused)
        ),
        advice: vec![format!(
            "give it more room: `sysctl -w net.ipv4.neigh.default.gc_thresh3={} \
             net.ipv4.neigh.default.gc_thresh2={}`",
            most * 4,
            most * 2
        )],
    })
}
