//! Which connections that this host begins fail, and how?

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::loss::flows;
use super::{Check, Measured, Topic};
use crate::sample::TcpState;
use crate::sample::losses::{ResetDirection, ResetReading};
use crate::sample::socket::{Ends, TimerKind};
use crate::view::states::words::{counted, process};
use crate::view::states::{Finding, Level};

/// Fewer than these are seen in passing: happy eyeballs, a service that starts.
const SOME: u64 = 3;
/// So many are no accident.
const MANY: u64 = 20;
const SHOWN_MAX: usize = 5;

/// Who, and whom it calls.
type Call<'m> = (Option<u32>, &'m str, SocketAddr);

pub(super) fn check(measured: &Measured<'_>) -> Check {
    let (refused, unanswered) = (refused(measured), unanswered(measured));
    let failed = measured.pressure.growth(|it| it.tables.attempts_failed);
    let evidence = match failed {
        Some(failed) => format!(
            "{} from this host failed",
            counted(failed, "connection", "connections")
        ),
        None => "the kernel does not tell how many failed".to_owned(),
    };
    let mut findings: Vec<_> = refused.iter().filter_map(refusal).collect();
    findings.extend(unanswered.iter().filter_map(silence));
    findings.extend(no_route(measured));
    findings.sort_by_key(|finding| finding.level);
    findings.truncate(SHOWN_MAX);
    Check::new(Topic::Failing, evidence, findings)
}

/// A reset came in place of an answer (`ECONNREFUSED`).
fn refused<'m>(measured: &Measured<'m>) -> BTreeMap<Call<'m>, u64> {
    let mut found = BTreeMap::new();
    let resets = measured
        .traffic
        .map(crate::model::Model::resets)
        .unwrap_or_default();
    let is_answer = |it: &&ResetReading| {
        it.direction == ResetDirection::Received && it.state == Some(TcpState::SynSent)
    };
    for reset in resets.iter().filter(is_answer) {
        let who = &reset.process;
        if measured.takes(who, Some(reset.netns)) {
            let pid = Some(who.id.tgid).filter(|&pid| pid > 0);
            *found
                .entry((pid, who.name.as_str(), reset.remote))
                .or_default() += reset.count;
        }
    }
    found
}

/// The first packet was repeated: what hooks counted, or else the sockets that wait at this moment.
fn unanswered<'m>(measured: &Measured<'m>) -> BTreeMap<Call<'m>, u64> {
    let mut found: BTreeMap<Call<'m>, u64> = BTreeMap::new();
    let counted = flows(measured).into_iter().flatten();
    for flow in counted {
        let repeated = flow.lost.map_or(0, |lost| lost.events.syn);
        if repeated > 0 {
            let who = &flow.reading.process;
            let pid = Some(who.id.tgid).filter(|&pid| pid > 0);
            let call = (pid, who.name.as_str(), flow.reading.remote);
            *found.entry(call).or_default() += u64::from(repeated);
        }
    }
    for socket in &measured.last.sockets {
        let Ends::Inet(ends) = &socket.ends else {
            continue;
        };
        let owner = socket.inode.map(|inode| measured.last.owners.of(inode));
        let owner = owner.and_then(<[_]>::first).map(|owner| &owner.process);
        let pid = owner.map(|process| process.id.tgid);
        let repeats = socket
            .timer
            .filter(|timer| timer.kind == TimerKind::On)
            .map_or(0, |timer| timer.retransmits);
        let is_asked = measured.about.is_none_or(|about| pid == Some(about));
        if socket.state == TcpState::SynSent && repeats > 0 && is_asked {
            let name = owner.map_or("?", |process| process.name.as_str());
            let seen = found.entry((pid, name, ends.remote)).or_default();
            *seen = (*seen).max(u64::from(repeats));
        }
    }
    found
}

fn who(call: &Call<'_>) -> String {
    process(Some(call.1).filter(|_| call.0.is_some()), call.0)
}

fn level(times: u64) -> Level {
    match times {
        MANY.. => Level::Critical,
        SOME.. => Level::Warn,
        _ => Level::Ok,
    }
}

fn refusal((call, times): (&Call<'_>, &u64)) -> Option<Finding> {
    let (who, remote) = (who(call), call.2);
    let port = remote.port();
    Some(Finding {
        level: level(*times),
        what: format!("{who} is refused by {remote}: nobody listens there, or a firewall says so"),
        evidence: format!(
            "connect failed with ECONNREFUSED (`Connection refused`) {}",
            counted(*times, "time", "times")
        ),
        advice: vec![
            format!(
                "is the service up there, and does it listen on port {port}, and not on 127.0.0.1 only? \
                 There: `netperf-trace sockets -tl sport = :{port}`"
            ),
            format!("is {remote} the address that {who} is meant to call? Look at its configuration"),
        ],
    })
    .filter(|_| *times > 0)
}

fn silence((call, times): (&Call<'_>, &u64)) -> Option<Finding> {
    let (who, remote) = (who(call), call.2);
    let host = remote.ip();
    Some(Finding {
        level: level(*times),
        what: format!("{who} gets no answer from {remote}"),
        evidence: format!(
            "the first packet of its connections was repeated {}; after some of these connect fails with \
             ETIMEDOUT (`Connection timed out`) or EHOSTUNREACH",
            counted(*times, "time", "times")
        ),
        advice: vec![
            format!("does {host} answer at all? `netperf-trace path {host}`"),
            "a firewall that drops without a word looks like this, and so does a server whose queue of \
             clients is full"
                .to_owned(),
        ],
    })
    .filter(|_| *times > 0)
}

fn no_route(measured: &Measured<'_>) -> Option<Finding> {
    let packets = measured.pressure.growth(|it| it.tables.no_route)?;
    (packets >= SOME).then(|| Finding {
        level: Level::Warn,
        what: "packets are sent that no route leads to".to_owned(),
        evidence: format!(
            "{} (OutNoRoutes); connect fails with ENETUNREACH (`Network is unreachable`)",
            counted(packets, "packet", "packets")
        ),
        advice: vec!["look at the routes: `ip route`, `ip route get ADDRESS`".to_owned()],
    })
}
