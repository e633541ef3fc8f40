//! Do the processors take what arrives?

use netperf_core::model::nic::figures::{NicFigures, SoftnetRow};
use netperf_core::units::{PerSecond, counted, grouped};

use crate::{Finding, Level, Period};

/// Ends of a turn with packets left, a second, from which on they are worth a look.
const OFTEN_PER_S: f64 = 20.0;

pub(super) fn of(figures: &NicFigures<'_>, period: Period) -> Vec<Finding> {
    let mut findings: Vec<Finding> = figures
        .softnet
        .iter()
        .filter_map(|row| dropped(row, period))
        .collect();
    let seconds = figures.interval_s.unwrap_or(f64::INFINITY);
    findings.extend(
        figures
            .softnet
            .iter()
            .filter_map(|row| squeezed(row, seconds, period)),
    );
    findings
}

fn dropped(row: &SoftnetRow, period: Period) -> Option<Finding> {
    let dropped = row.dropped_in_tick.filter(|&dropped| dropped > 0)?;
    Some(Finding {
        level: Level::Warn,
        what: format!("processor {} throws away packets that arrive: its queue is full", row.cpu),
        evidence: format!(
            "{} {period}, {} since boot; it took {} {period}",
            counted(dropped, "packet", "packets"),
            grouped(row.dropped),
            grouped(row.processed_in_tick.unwrap_or(0))
        ),
        advice: vec![
            "give the queue more room: `sysctl -w net.core.netdev_max_backlog=10000` now; to make it \
             last: `echo 'net.core.netdev_max_backlog = 10000' >> \
             /etc/sysctl.d/90-netperf-advice.conf`"
                .to_owned(),
            "and spread the packets over more processors: more queues of the hardware (`ethtool -l \
             NAME`), or RPS (/sys/class/net/NAME/queues/rx-0/rps_cpus)"
                .to_owned(),
        ],
    })
}

fn squeezed(row: &SoftnetRow, seconds: f64, period: Period) -> Option<Finding> {
    let squeezed = row.squeezed_in_tick?;
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
    let per_s = squeezed as f64 / seconds;
    (per_s >= OFTEN_PER_S).then(|| Finding {
        level: Level::Warn,
        what: format!("processor {} does not keep up with what arrives", row.cpu),
        evidence: format!(
            "it ended its turn with packets left {} times {period} ({} per second); {} \
             since boot",
            grouped(squeezed),
            PerSecond(per_s),
            grouped(row.squeezed)
        ),
        advice: vec![
            "let it take more in one turn: `sysctl -w net.core.netdev_budget=600 \
             net.core.netdev_budget_usecs=8000`"
                .to_owned(),
            "if one processor alone does this, spread the packets: `ethtool -l NAME`, \
             /proc/irq/*/smp_affinity"
                .to_owned(),
        ],
    })
}
