//! Does a program forget to close what the other end has closed?

use netperf_core::model::states::figures::{CloseWaitRow, PeerRow, StatesFigures};
use netperf_core::units::{Growth, counted, format_seconds, grouped};

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
/// Peers and files that are named.
const SHOWN_MAX: usize = 5;

pub(super) fn of(figures: &StatesFigures<'_>, period: Period) -> Vec<Finding> {
    let rows = figures.close_wait.iter();
    rows.filter_map(|row| {
        let level = level(row, figures)?;
        Some(finding(row, level, period))
    })
    .collect()
}

/// `None` for the few that are seen in passing on any busy server.
fn level(row: &CloseWaitRow<'_>, figures: &StatesFigures<'_>) -> Option<Level> {
    let grows = row.growth_per_s.is_some_and(|growth| growth > 0.0);
    let is_old = row.oldest_s.is_some_and(|age| age >= OLD_SECS);
    let holder = figures.by_process.iter().find(|it| it.pid == row.pid);
    let open = holder.map_or(0, |it| {
        it.counts.of(netperf_core::sample::TcpState::Established)
    });
    Some(match row.count {
        PILE.. => Level::Critical,
        MANY.. if grows => Level::Critical,
        MANY.. => Level::Warn,
        _ if is_old => Level::Warn,
        SOME.. if grows || row.count > open => Level::Warn,
        _ => return None,
    })
}

fn finding(row: &CloseWaitRow<'_>, level: Level, period: Period) -> Finding {
    let who = process(row.name, row.pid);
    let connections = counted(row.count, "connection", "connections");
    Finding {
        level,
        what: format!("{who} does not close {connections} that the other end has closed"),
        evidence: evidence(row, period),
        advice: advice(row, &who),
    }
}

fn evidence(row: &CloseWaitRow<'_>, period: Period) -> String {
    let mut parts = vec![format!("{} in CLOSE_WAIT", grouped(row.count))];
    let age = row.oldest_s;
    parts.extend(age.map(|age| format!("the oldest for at least {}", format_seconds(age))));
    parts.push(match row.growth_per_s {
        Some(growth) if growth != 0.0 => format!("{} per second", Growth(growth)),
        Some(_) => format!("no more than before {}", period.noun()),
        None => "add `-d 5` to see whether they grow".to_owned(),
    });
    if row.unaccepted > 0 {
        let waiting = grouped(row.unaccepted);
        parts.push(format!("{waiting} of them were never accepted"));
    }
    parts.push(format!("with {}", peers(&row.peers)));
    if !row.fds.is_empty() {
        parts.push(format!("open files {}", files(&row.fds)));
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

fn files(fds: &[u32]) -> String {
    let shown: Vec<_> = fds.iter().take(SHOWN_MAX).map(u32::to_string).collect();
    let more = fds.len().saturating_sub(SHOWN_MAX);
    let rest = (more > 0).then(|| format!(" and {} more", grouped(more as u64)));
    shown.join(", ") + &rest.unwrap_or_default()
}

fn advice(row: &CloseWaitRow<'_>, who: &str) -> Vec<String> {
    let mut advice = Vec::new();
    if row.unaccepted == row.count {
        advice.push(format!(
            "{who} does not accept connections any more, and clients gave up waiting: it is stuck \
             or overloaded. Look at what it is doing"
        ));
    } else {
        advice.push(format!(
            "this is a bug of the program, not of the network: the other end has closed, and {who} does not \
             call close(). No setting of the kernel ends CLOSE_WAIT"
        ));
    }
    if let Some(pid) = row.pid {
        advice.push(format!(
            "see which they are: `netperf-trace sockets -t --state close-wait --pid {pid}`; what \
             the program is doing: `cat /proc/{pid}/task/*/stack`, or a thread dump of its language"
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
