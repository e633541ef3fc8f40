//! What does the kernel throw away of what arrived, and whose was it?

use std::collections::BTreeMap;

use netperf_core::sample::losses::{DropReading, DropReason};
use netperf_core::sample::socket::Ends;
use netperf_core::sample::{Proto, TcpState};
use netperf_core::units::counted;

use super::{Check, Measured, Topic};
use crate::words::process;
use crate::{Finding, Level};

/// Packets from which on it is worth a word.
const SOME: u64 = 10;
const SHOWN_MAX: usize = 4;

pub(super) fn check(measured: &Measured<'_>) -> Check {
    let model = match measured.traffic {
        Ok(model) => model,
        Err(why) => return Check::skipped(Topic::Drops, why),
    };
    let mut found: BTreeMap<(DropReason, Option<u32>, &str), u64> = BTreeMap::new();
    let takes = |it: &&DropReading| {
        let is_meant = it
            .process
            .as_ref()
            .map_or(measured.about.is_none(), |process| {
                measured.takes(process, Some(it.netns))
            });
        is_trouble(it.reason) && is_meant && !is_meant_to_go(measured, it)
    };
    for drop in model.drops().iter().filter(takes) {
        let who = drop.process.as_ref();
        let pid = who.map(|process| process.id.tgid).filter(|&pid| pid > 0);
        let name = who.map_or("", |process| process.name.as_str());
        *found.entry((drop.reason, pid, name)).or_default() += drop.packets;
    }
    let total: u64 = found.values().sum();
    let mut worst: Vec<_> = found.into_iter().collect();
    worst.sort_by_key(|(_, packets)| std::cmp::Reverse(*packets));
    let findings = worst.iter().filter(|(_, packets)| *packets >= SOME);
    let findings = findings
        .take(SHOWN_MAX)
        .map(|((reason, pid, name), packets)| {
            let who = match pid {
                Some(pid) => format!(" for {}", process(Some(name), Some(*pid))),
                None => String::new(),
            };
            Finding {
                level: Level::Warn,
                what: format!("packets{who} are thrown away: {}", reason.words()),
                evidence: format!(
                    "{} ({})",
                    counted(*packets, "packet", "packets"),
                    reason.name()
                ),
                advice: vec!["see them by port and process: `netperf-trace retrans`".to_owned()],
            }
        });
    let drops = model.drops().iter();
    let by_rule = drops.filter(|it| is_meant_to_go(measured, it));
    let by_rule: u64 = by_rule.map(|it| it.packets).sum();
    let mut evidence = format!(
        "{} for a reason that does harm",
        counted(total, "packet", "packets")
    );
    if by_rule > 0 {
        let packets = counted(by_rule, "packet", "packets");
        evidence.extend(["; ", &packets, " to closed or guarded ports, by a rule"]);
    }
    Check::new(Topic::Drops, evidence, findings.collect())
}

/// Rules are there to drop what comes to ports that nobody has, or that not everybody may call: scanners
/// knock at every host. What a rule drops of a connection that a process here has opened does harm.
fn is_meant_to_go(measured: &Measured<'_>, drop: &DropReading) -> bool {
    if !matches!(
        drop.reason,
        DropReason::NetfilterDrop | DropReason::TcIngress
    ) {
        return false;
    }
    let is_called = |port: u16| {
        let sockets = measured.first.sockets.iter().chain(&measured.last.sockets);
        let mut sockets = sockets.filter(|it| drop.netns == 0 || it.netns == drop.netns);
        sockets.any(|socket| match &socket.ends {
            Ends::Inet(ends) => {
                ends.local.port() == port
                    && !matches!(socket.state, TcpState::Listen | TcpState::TimeWait)
                    && !is_listening(measured, socket.netns, port)
            }
            Ends::Unix(_) => false,
        })
    };
    drop.proto != Some(Proto::Tcp) || !drop.local_port.is_some_and(is_called)
}

fn is_listening(measured: &Measured<'_>, netns: u32, port: u16) -> bool {
    measured.last.sockets.iter().any(|socket| {
        let local = match &socket.ends {
            Ends::Inet(ends) => ends.local.port(),
            Ends::Unix(_) => return false,
        };
        socket.state == TcpState::Listen && socket.netns == netns && local == port
    })
}

/// Not what comes late to a connection that is closed, or to a port that nobody has.
fn is_trouble(reason: DropReason) -> bool {
    !matches!(
        reason,
        DropReason::NoSocket
            | DropReason::TcpClose
            | DropReason::TcpAbortOnData
            | DropReason::TcpInvalidSyn
            | DropReason::TcpPaws
            | DropReason::TcpFastopen
            | DropReason::TcpOverwindow
            | DropReason::SocketFilter
    )
}
