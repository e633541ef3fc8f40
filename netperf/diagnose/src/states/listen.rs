//! Are clients turned away because a program accepts too slowly?

use netperf_core::model::states::StatesModel;
use netperf_core::model::states::figures::{ListenRow, NetworkRow, StatesFigures};
use netperf_core::units::{PerSecond, counted, grouped};

use super::remedy::Remedy;
use crate::words::process;
use crate::{Finding, Level, Period};

/// Part of a queue from which on it is nearly full.
const NEARLY_FULL: f64 = 0.8;
/// Half-open connections that are no coincidence.
const MANY_HALF_OPEN: u32 = 64;
/// Listening sockets that get a finding of their own.
const SHOWN_MAX: usize = 5;

pub(super) fn of(figures: &StatesFigures<'_>, model: &StatesModel, period: Period) -> Vec<Finding> {
    let judged = figures
        .listen
        .iter()
        .filter_map(|row| Some((row, level(row)?)));
    let mut judged: Vec<_> = judged.collect();
    judged.sort_by_key(|&(_, level)| level);
    judged.truncate(SHOWN_MAX);
    let found = judged.into_iter();
    let mut findings: Vec<_> = found
        .map(|(row, level)| finding(row, level, model))
        .collect();
    findings.extend(figures.listen.iter().filter_map(half_open).take(SHOWN_MAX));
    findings.extend(
        figures
            .networks
            .iter()
            .filter_map(|row| cookies(row, model, period)),
    );
    findings
}

fn level(row: &ListenRow<'_>) -> Option<Level> {
    let turns_away = row.overflows_per_s.is_some_and(|rate| rate > 0.0);
    let share = f64::from(row.backlog) / f64::from(row.backlog_max.max(1));
    if row.is_full() || turns_away {
        return Some(Level::Critical);
    }
    let had = row.overflows.is_some_and(|overflows| overflows > 0);
    let is_nearly_full = row.backlog > 1 && share >= NEARLY_FULL;
    (had || is_nearly_full).then_some(Level::Warn)
}

fn finding(row: &ListenRow<'_>, level: Level, model: &StatesModel) -> Finding {
    let who = process(row.name, row.pid);
    let local = row.local;
    let what = match level {
        Level::Critical if row.is_full() => {
            format!("the queue of {local} is full: {who} does not accept fast enough")
        }
        Level::Critical => format!("{who} at {local} turns clients away"),
        Level::Warn if row.overflows.is_some_and(|it| it > 0) => {
            format!("{who} at {local} has turned clients away before")
        }
        Level::Warn | Level::Ok => {
            format!("the queue of {local} is nearly full: {who} accepts slowly")
        }
    };
    Finding {
        level,
        what,
        evidence: evidence(row),
        advice: advice(row, &who, model),
    }
}

fn evidence(row: &ListenRow<'_>) -> String {
    let clients = counted(row.backlog, "client waits", "clients wait");
    let room = grouped(row.backlog_max);
    let mut parts = vec![format!("{clients} to be accepted, room for {room}")];
    parts.extend(row.overflows.map(|overflows| {
        let times = counted(overflows, "time", "times");
        format!("clients were turned away {times} since it listens")
    }));
    let rate = row.overflows_per_s.filter(|&rate| rate > 0.0);
    parts.extend(rate.map(|rate| format!("{} times per second now", PerSecond(rate))));
    if row.syn_recv > 0 {
        let half_open = grouped(row.syn_recv);
        parts.push(format!("{half_open} half open (SYN_RECV)"));
    }
    parts.push(
        "a client that is turned away tries again after 1, 3, 7 s, which people see as a hang"
            .to_owned(),
    );
    parts.join("; ")
}

fn advice(row: &ListenRow<'_>, who: &str, model: &StatesModel) -> Vec<String> {
    let port = row.local.port();
    let mut advice = vec![format!(
        "find out why {who} does not call accept(): too few workers or threads, blocked on a \
         database or a lock, or stopped. A longer queue does not help a program that is stuck"
    )];
    if let Some(pid) = row.pid {
        advice.push(format!(
            "look at it: `cat /proc/{pid}/task/*/stack`, `top -H -p {pid}`, and who waits: \
             `netperf-trace sockets -ta --explain 'sport = :{port}'`"
        ));
    }
    let settings = model.now.network(row.netns).map(|it| &it.settings);
    let somaxconn = settings.and_then(|it| it.somaxconn);
    if somaxconn == Some(row.backlog_max.into()) {
        let remedy = Remedy::of(model, row.netns, row.pid);
        let set = remedy.set("net.core.somaxconn", "8192");
        advice.push(format!(
            "if it is only bursts: the queue is as long as the kernel allows; allow more: {set}"
        ));
    }
    advice.push(format!(
        "if it is only bursts, raise the backlog of {who} (the number that it gives to listen(): \
         `backlog` in nginx, redis and Java, `ListenBacklog` in Apache, `Backlog` in systemd) and \
         restart it: that, and net.core.somaxconn, are the limit"
    ));
    advice
}

/// Clients that asked for a connection and do not complete it: half as many as may wait, or more.
fn half_open(row: &ListenRow<'_>) -> Option<Finding> {
    let is_many = row.syn_recv >= MANY_HALF_OPEN.max(row.backlog_max / 2);
    is_many.then(|| Finding {
        level: Level::Warn,
        what: format!("many half-open connections at {}", row.local),
        evidence: format!(
            "{} in SYN_RECV at {}, room for {}",
            grouped(row.syn_recv),
            process(row.name, row.pid),
            grouped(row.backlog_max)
        ),
        advice: vec![
            "either answers to these clients are lost on the way, or this host is flooded with false \
             requests: see from where with `netperf-trace states --state SYN_RECV`"
                .to_owned(),
            "SYN cookies (net.ipv4.tcp_syncookies, on by default) keep real clients served; a server \
             that waits for the first data (TCP_DEFER_ACCEPT) has some of these at any time"
                .to_owned(),
        ],
    })
}

/// SYN cookies that were sent: the queue of half-open connections overflowed.
fn cookies(row: &NetworkRow, model: &StatesModel, period: Period) -> Option<Finding> {
    let grown = row.in_tick?;
    let sent = grown.syncookies_sent.filter(|&sent| sent > 0);
    let dropped = grown.syn_drops.filter(|&dropped| dropped > 0);
    if sent.is_none() && dropped.is_none() {
        return None;
    }
    let (sent, dropped) = (sent.unwrap_or(0), dropped.unwrap_or(0));
    let back = grown.syncookies_received.unwrap_or(0);
    let mut advice = vec![
        "if few cookies come back, this host is flooded with false connection requests: filter them before \
         this host; SYN cookies keep it reachable meanwhile"
            .to_owned(),
        "if most come back, the clients are real and a listening socket has too short a queue: \
         raise its backlog"
            .to_owned(),
    ];
    if row.settings.syncookies == Some(0) {
        let remedy = Remedy::of(model, row.netns, None);
        let command = remedy.set("net.ipv4.tcp_syncookies", "1");
        advice.insert(0, format!("turn SYN cookies on: {command}"));
    }
    Some(Finding {
        level: Level::Warn,
        what: "the queue of half-open connections overflows".to_owned(),
        evidence: format!(
            "{period} {} SYN cookies sent, {} came back, {} requests dropped (network namespace \
             {})",
            grouped(sent),
            grouped(back),
            grouped(dropped),
            row.netns
        ),
        advice,
    })
}
