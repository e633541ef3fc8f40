//! Does TCP as a whole reach a limit, and is it set up as it should be?

use netperf_core::model::states::figures::{NetworkRow, StatesFigures};
use netperf_core::units::grouped;

use crate::{Finding, Level, Period};

/// Percent of a limit from which on it is near.
const NEAR_PERCENT: u64 = 80;

pub(super) fn of(figures: &StatesFigures<'_>, period: Period) -> Vec<Finding> {
    let mut findings = Vec::new();
    for row in &figures.networks {
        findings.extend(orphans(row));
        findings.extend(memory(row, period));
        findings.extend(buckets(row, figures, period));
    }
    findings.extend(recycle(figures));
    findings
}

fn orphans(row: &NetworkRow) -> Option<Finding> {
    let limit = row.settings.max_orphans.filter(|&limit| limit > 0)?;
    let orphans = row.orphans?;
    let percent = orphans.saturating_mul(100) / limit;
    Some(Finding {
        level: if percent >= 100 {
            Level::Critical
        } else if percent >= NEAR_PERCENT {
            Level::Warn
        } else {
            return None;
        },
        what: "many connections that no process holds any more (orphans)".to_owned(),
        evidence: format!(
            "{} orphans, limit {} (net.ipv4.tcp_max_orphans); beyond it the kernel resets them, and \
             the last bytes of those connections are lost",
            grouped(orphans),
            grouped(limit)
        ),
        advice: vec![
            "see with which hosts: `netperf-trace states --state FIN_WAIT1,LAST_ACK`. Peers that vanish or \
             read slowly leave them behind"
                .to_owned(),
            "fewer tries before the kernel gives up: `sysctl -w net.ipv4.tcp_orphan_retries=3`; to \
             make it last: `echo 'net.ipv4.tcp_orphan_retries = 3' >> \
             /etc/sysctl.d/90-netperf-advice.conf`"
                .to_owned(),
        ],
    })
}

fn memory(row: &NetworkRow, period: Period) -> Option<Finding> {
    let [_, pressure, limit] = row.settings.tcp_mem?;
    let pages = row.memory_pages?;
    let aborts = row.in_tick.and_then(|it| it.aborts_on_memory).unwrap_or(0);
    Some(Finding {
        level: if aborts > 0 || pages >= limit {
            Level::Critical
        } else if pages >= pressure {
            Level::Warn
        } else {
            return None;
        },
        what: "TCP is short of memory".to_owned(),
        evidence: format!(
            "{} pages in use; pressure begins at {}, the limit is {} (net.ipv4.tcp_mem); {} \
             connections were ended for it {period}",
            grouped(pages),
            grouped(pressure),
            grouped(limit),
            grouped(aborts)
        ),
        advice: vec![
            "find who does not read: `netperf-trace sockets -ta --explain` names programs with long \
             queues; they hold the memory"
                .to_owned(),
            "only if these connections are all meant to be: raise net.ipv4.tcp_mem (pages of 4 KiB: \
             low, pressure, limit), within the memory of the machine"
                .to_owned(),
        ],
    })
}

/// The table of TIME_WAIT has an end of its own.
fn buckets(row: &NetworkRow, figures: &StatesFigures<'_>, period: Period) -> Option<Finding> {
    let limit = row.settings.max_tw_buckets.filter(|&limit| limit > 0)?;
    let here = |netns| netns == row.netns;
    let outgoing = figures.time_wait.iter().filter(|it| here(it.netns));
    let accepted = figures
        .time_wait_accepted
        .iter()
        .filter(|it| here(it.netns));
    let counts = outgoing.map(|it| it.time_wait);
    let counts = counts.chain(accepted.map(|it| it.time_wait));
    let held: u64 = counts.map(u64::from).sum();
    let refused = row
        .in_tick
        .and_then(|it| it.time_wait_overflows)
        .unwrap_or(0);
    let is_near = held.saturating_mul(100) / limit >= NEAR_PERCENT;
    (refused > 0 || is_near).then(|| Finding {
        level: Level::Warn,
        what: "the table of TIME_WAIT is nearly full".to_owned(),
        evidence: format!(
            "{} in TIME_WAIT, limit {} (net.ipv4.tcp_max_tw_buckets); {} found no place \
             {period} and were ended at once, without the protection against late packets",
            grouped(held),
            grouped(limit),
            grouped(refused)
        ),
        advice: vec![
            "let connections live longer (connection pool, keep-alive): then fewer of them end"
                .to_owned(),
            "or raise the limit, at some 0.3 KiB for each: `sysctl -w \
             net.ipv4.tcp_max_tw_buckets=262144`; to make it last: `echo \
             'net.ipv4.tcp_max_tw_buckets = 262144' >> /etc/sysctl.d/90-netperf-advice.conf`"
                .to_owned(),
        ],
    })
}

fn recycle(figures: &StatesFigures<'_>) -> Option<Finding> {
    let files = figures.recycle_set_in;
    let is_on = figures.networks.iter().any(|row| row.settings.tw_recycle);
    if files.is_empty() && !is_on {
        return None;
    }
    let mut evidence = Vec::new();
    if !files.is_empty() {
        evidence.push(format!(
            "net.ipv4.tcp_tw_recycle is set in {}",
            files.join(", ")
        ));
    }
    if is_on {
        evidence.push("this kernel has it, and it is on".to_owned());
    }
    Some(Finding {
        level: Level::Warn,
        what: "tcp_tw_recycle is configured".to_owned(),
        evidence: evidence.join("; "),
        advice: vec![
            "take the line out. Where the kernel still has it (before 4.12), clients behind one NAT \
             address can't connect at random; later kernels do not know it, and `sysctl --system` \
             fails at the line"
                .to_owned(),
            "for too many TIME_WAIT to one destination, tcp_tw_reuse=1 is the safe setting, and it \
             concerns outgoing connections only"
                .to_owned(),
        ],
    })
}
