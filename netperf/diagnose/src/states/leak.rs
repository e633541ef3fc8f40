//! Which connections in `CLOSE_WAIT` belong together? Those of all workers of a program: few in each are
//! many in all.

use std::collections::{BTreeMap, BTreeSet};

use netperf_core::model::states::figures::{CloseWaitRow, PeerRow, StatesFigures};
use netperf_core::sample::TcpState;

/// What the processes of one program and unit do not close.
#[derive(Debug)]
pub(super) struct Leak<'f> {
    /// Name of the program; `None` where it could not be seen.
    pub name: Option<&'f str>,
    /// systemd unit.
    pub unit: Option<&'f str>,
    /// Its processes that hold such connections, those with the most first.
    pub pids: Vec<u32>,
    /// How many connections; one that several processes hold counts once.
    pub count: u32,
    /// Those of them that wait to be accepted.
    pub unaccepted: u32,
    /// The fewest and the most in one process.
    pub each: (u32, u32),
    /// The oldest is no younger.
    pub oldest_s: Option<f64>,
    /// Change per second.
    pub growth_per_s: Option<f64>,
    /// Open connections of these processes.
    pub open: u32,
    /// Numbers of the files, where it is one process.
    pub fds: &'f [u32],
    /// The other ends, those with the most first.
    pub peers: Vec<PeerRow>,
}

/// Every leak, the greatest first.
pub(super) fn all<'f>(figures: &'f StatesFigures<'_>) -> Vec<Leak<'f>> {
    let mut programs: BTreeMap<_, Vec<&CloseWaitRow<'_>>> = BTreeMap::new();
    for row in &figures.close_wait {
        programs.entry((row.name, row.unit)).or_default().push(row);
    }
    let mut leaks: Vec<_> = programs.values().map(|rows| of(rows, figures)).collect();
    leaks.sort_by_key(|leak| (std::cmp::Reverse(leak.count), leak.pids.first().copied()));
    leaks
}

fn of<'f>(rows: &[&'f CloseWaitRow<'_>], figures: &StatesFigures<'_>) -> Leak<'f> {
    let counts = || rows.iter().map(|row| row.count);
    let sum: u32 = counts().sum();
    let count = distinct(rows).unwrap_or(sum);
    let pids: Vec<u32> = rows.iter().filter_map(|row| row.pid).collect();
    let holders = figures.by_process.iter();
    let open = holders.filter(|it| it.pid.is_some_and(|pid| pids.contains(&pid)));
    Leak {
        name: rows[0].name,
        unit: rows[0].unit,
        count,
        unaccepted: rows.iter().map(|row| row.unaccepted).sum(),
        each: (counts().min().unwrap_or(0), counts().max().unwrap_or(0)),
        oldest_s: rows
            .iter()
            .filter_map(|row| row.oldest_s)
            .max_by(f64::total_cmp),
        growth_per_s: growth(rows, f64::from(count) / f64::from(sum.max(1))),
        open: open.map(|it| it.counts.of(TcpState::Established)).sum(),
        fds: match rows {
            [one] => &one.fds,
            _ => &[],
        },
        // What all of them hold alike, one of them tells.
        peers: if count < sum {
            rows[0].peers.clone()
        } else {
            peers(rows)
        },
        pids,
    }
}

/// How many sockets the rows have in all: those that were inherited are in several.
fn distinct(rows: &[&CloseWaitRow<'_>]) -> Option<u32> {
    let all: BTreeSet<u64> = rows.iter().flat_map(|row| row.sockets).copied().collect();
    u32::try_from(all.len()).ok().filter(|&count| count > 0)
}

fn growth(rows: &[&CloseWaitRow<'_>], share: f64) -> Option<f64> {
    let known: Vec<f64> = rows.iter().filter_map(|row| row.growth_per_s).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() * share)
}

fn peers(rows: &[&CloseWaitRow<'_>]) -> Vec<PeerRow> {
    let mut sums: BTreeMap<(&str, Option<u16>), u32> = BTreeMap::new();
    for peer in rows.iter().flat_map(|row| &row.peers) {
        *sums.entry((&peer.remote, peer.called_port)).or_default() += peer.count;
    }
    let mut peers: Vec<_> = sums
        .into_iter()
        .map(|((remote, called_port), count)| PeerRow {
            remote: remote.to_owned(),
            called_port,
            count,
        })
        .collect();
    peers.sort_by_key(|peer| std::cmp::Reverse(peer.count));
    peers
}
