//! Does a program forget to close what the other end has closed?

use std::collections::BTreeSet;

use netperf_core::model::states::figures::{PeerRow, StatesFigures};
use netperf_core::units::{Growth, counted, format_seconds, grouped};

use super::leak::{self, Leak};
use crate::words::process;
use crate::{Finding, Level, Period};

/// From which on it is a pile, whatever else.
const PILE: u32 = 1_000;
/// From which on growth is a leak that will end badly.
const MANY: u32 = 100;
/// From which on it is no coincidence.
const SOME: u32 = 10;
/// Seconds after which a program that means to close has done so.
const OLD_SECS: f64 = 30.0;
/// Seconds within which a busy server closes.
const LASTING_SECS: f64 = 5.0;
/// Peers and files that are named.
const SHOWN_MAX: usize = 5;

pub(super) fn of(figures: &StatesFigures<'_>, period: Period) -> Vec<Finding> {
    let leaks = leak::all(figures).into_iter();
    leaks
        .filter_map(|leak| Some(finding(&leak, level(&leak)?, period)))
        .collect()
}

/// `None` for those that are seen in passing on any busy server.
fn level(leak: &Leak<'_>) -> Option<Level> {
    let grows = leak.growth_per_s.is_some_and(|growth| growth > 0.0);
    let is_older = |secs| leak.oldest_s.is_some_and(|age| age >= secs);
    let outweighs = leak.count > leak.open;
    // A busy server has many at any moment, and closes each at once.
    let lasts = outweighs || is_older(LASTING_SECS);
    Some(match leak.count {
        PILE.. if lasts => Level::Critical,
        MANY.. if grows && lasts => Level::Critical,
        MANY.. if lasts => Level::Warn,
        _ if is_older(OLD_SECS) => Level::Warn,
        SOME.. if outweighs || (grows && lasts) => Level::Warn,
        _ => return None,
    })
}

fn finding(leak: &Leak<'_>, level: Level, period: Period) -> Finding {
    let who = who(leak);
    let connections = counted(leak.count, "connection", "connections");
    Finding {
        level,
        what: format!("{who} does not close {connections} that the other end has closed"),
        evidence: evidence(leak, period),
        advice: advice(leak, &who),
    }
}

/// A process, or a program with the number of its processes.
fn who(leak: &Leak<'_>) -> String {
    let unit = leak
        .unit
        .map_or(String::new(), |unit| format!(" of {unit}"));
    match (leak.name, leak.pids.as_slice()) {
        (Some(name), all @ [_, _, ..]) => format!("{name} ({} processes{unit})", all.len()),
        (name, pids) => process(name, pids.first().copied()),
    }
}

fn evidence(leak: &Leak<'_>, period: Period) -> String {
    let mut parts = vec![format!("{} in CLOSE_WAIT", grouped(leak.count))];
    if leak.pids.len() > 1 {
        let (fewest, most) = leak.each;
        let each = if fewest == most {
            grouped(most)
        } else {
            format!("{} to {}", grouped(fewest), grouped(most))
        };
        parts.push(format!("{each} in each of PID {}", numbers(&leak.pids)));
    }
    let age = leak.oldest_s;
    parts.extend(age.map(|age| format!("the oldest for at least {}", format_seconds(age))));
    parts.push(match leak.growth_per_s {
        Some(growth) if growth != 0.0 => format!("{} per second", Growth(growth)),
        Some(_) => format!("no more than before {}", period.noun()),
        None => "add `-d 5` to see whether they grow".to_owned(),
    });
    if leak.unaccepted > 0 {
        let waiting = grouped(leak.unaccepted);
        parts.push(format!("{waiting} of them were never accepted"));
    }
    parts.push(format!("with {}", peers(&leak.peers)));
    if !leak.fds.is_empty() {
        parts.push(format!("open files {}", numbers(leak.fds)));
    }
    parts.join("; ")
}

fn peers(peers: &[PeerRow]) -> String {
    let mut shown: Vec<_> = peers.iter().take(SHOWN_MAX).map(peer).collect();
    let more = peers.len().saturating_sub(SHOWN_MAX);
    shown.extend((more > 0).then(|| counted(more as u64, "other", "others")));
    shown.join(", ")
}

fn peer(peer: &PeerRow) -> String {
    let count = grouped(peer.count);
    match peer.called_port {
        Some(port) => format!("{} ({count}, they called port {port})", peer.remote),
        None => format!("{} ({count})", peer.remote),
    }
}

fn numbers(all: &[u32]) -> String {
    let shown: Vec<_> = all.iter().take(SHOWN_MAX).map(u32::to_string).collect();
    let more = all.len().saturating_sub(SHOWN_MAX);
    let rest = (more > 0).then(|| format!(" and {} more", grouped(more as u64)));
    shown.join(", ") + &rest.unwrap_or_default()
}

fn advice(leak: &Leak<'_>, who: &str) -> Vec<String> {
    if leak.unaccepted == leak.count {
        return never_accepted(leak, who);
    }
    let mut advice = vec![format!(
        "this is a bug of the program, not of the network: the other end has closed, and {who} does not \
         call close(). No setting of the kernel ends CLOSE_WAIT"
    )];
    if let Some(pid) = leak.pids.first() {
        let pids: Vec<_> = leak.pids.iter().map(u32::to_string).collect();
        let one = if leak.pids.len() > 1 {
            " one of them"
        } else {
            ""
        };
        advice.push(format!(
            "see which they are: `netperf-trace sockets -t --state close-wait --pid {}`; what \
             the program is doing{one}: `cat /proc/{pid}/task/*/stack`, or a thread dump of its language",
            pids.join(",")
        ));
    }
    advice.push(
        "look in its code for the way that leaves without close(): an error or a time-out after \
         reading ended, or a connection that is never given back to its pool"
            .to_owned(),
    );
    advice.push(format!(
        "a restart of {who} frees them for now. Each holds an open file: at the limit (`ulimit -n`) \
         the program can accept and open nothing more"
    ));
    advice
}

/// They are no process's yet, so they are found by the port that they called.
fn never_accepted(leak: &Leak<'_>, who: &str) -> Vec<String> {
    let mut advice = vec![format!(
        "{who} does not accept connections any more, and clients gave up waiting: it is stuck \
         or overloaded. Look at what it is doing"
    )];
    let ports: BTreeSet<u16> = leak.peers.iter().filter_map(|it| it.called_port).collect();
    let ports: Vec<_> = ports
        .iter()
        .map(|port| format!("sport = :{port}"))
        .collect();
    if let (Some(pid), false) = (leak.pids.first(), ports.is_empty()) {
        advice.push(format!(
            "see which they are: `netperf-trace sockets -t --state close-wait '{}'`; what the program is \
             doing: `cat /proc/{pid}/task/*/stack`, or a thread dump of its language",
            ports.join(" or ")
        ));
    }
    advice.push(format!(
        "they are in no process's files yet, but take up the queue of clients: where that is full, new \
         ones are turned away or hang. A restart of {who} frees them for now"
    ));
    advice
}
