//! Traffic of the processes before they are limited.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use netperf_core::sample::TcpState;
use netperf_core::sample::socket::{Ends, SocketReading, SocketSample};
use netperf_core::sample::state_set::StateSet;
use netperf_sys::capture::{Detail, Listed, Scope, SocketFeed, SocketRequest};

use super::targets::Found;
use crate::view::limit::PlannedSocket;
use netperf_diagnose::limit::Usage;

/// How long to measure rates.
const MEASURED: Duration = Duration::from_millis(300);

/// The figures that need no measurement: no rates.
pub(super) fn at_once(found: &Found) -> Usage {
    let sample = sockets(found);
    Usage {
        names: names(found),
        listens: sample.as_ref().map(listens).unwrap_or_default(),
        ..Usage::default()
    }
}

/// The sockets, and figures with rates measured for a moment. Rates are of TCP only.
pub(super) fn measured(found: &Found) -> (Vec<PlannedSocket>, Usage) {
    let mut usage = at_once(found);
    let Some(before) = sockets(found) else {
        return (Vec::new(), usage);
    };
    thread::sleep(MEASURED);
    let Some(after) = sockets(found) else {
        return (Vec::new(), usage);
    };
    if let Some(length) = after.at.since(before.at) {
        let (up, down) = moved(&before, &after);
        let per_s = |bytes: u64| {
            let per_s = u128::from(bytes) * 1_000_000_000 / length.as_nanos().max(1);
            u64::try_from(per_s).ok()
        };
        usage.up_bytes_per_s = per_s(up);
        usage.down_bytes_per_s = per_s(down);
    }
    let sockets = owned(&after).filter_map(|(pid, socket)| planned(pid, socket));
    (sockets.collect(), usage)
}

fn names(found: &Found) -> Vec<String> {
    let names = found.processes.iter().map(|one| one.comm.clone());
    names.collect()
}

/// The sockets of the processes; `None` if they can't be listed, which does not prevent a limit.
fn sockets(found: &Found) -> Option<SocketSample> {
    let first = found.processes.first()?;
    let request = SocketRequest {
        listed: vec![Listed::Tcp, Listed::Udp],
        states: StateSet::ALL,
        detail: Detail::Full,
        in_full: StateSet::NONE,
        networks: false,
        namespaces: Scope::Of(first.tgid),
        owners: found.processes.iter().map(|one| one.tgid).collect(),
    };
    SocketFeed::open().read(&request).ok()
}

/// Sockets of the sample with the process that holds each.
fn owned(sample: &SocketSample) -> impl Iterator<Item = (u32, &SocketReading)> {
    sample.sockets.iter().filter_map(|socket| {
        let owner = sample.owners.of(socket.inode?).first()?;
        Some((owner.process.id.tgid, socket))
    })
}

fn listens(sample: &SocketSample) -> Vec<String> {
    let listening = owned(sample).filter(|(_, socket)| socket.state == TcpState::Listen);
    let listening = listening.filter_map(|(pid, socket)| planned(pid, socket));
    listening
        .map(|socket| format!("{} {}", socket.proto, socket.local))
        .collect()
}

fn planned(pid: u32, socket: &SocketReading) -> Option<PlannedSocket> {
    let Ends::Inet(ends) = &socket.ends else {
        return None;
    };
    Some(PlannedSocket {
        proto: socket.proto.name(),
        local: ends.local.to_string(),
        remote: ends.remote.to_string(),
        pid,
    })
}

/// Payload acknowledged and received between two snapshots, on connections that are in both.
fn moved(before: &SocketSample, after: &SocketSample) -> (u64, u64) {
    let counts = |socket: &SocketReading| {
        let tcp = socket.tcp.as_ref()?;
        Some((tcp.bytes_acked?, tcp.bytes_received?))
    };
    let earlier = owned(before).filter_map(|(_, socket)| Some((socket.cookie, counts(socket)?)));
    let earlier: HashMap<u64, (u64, u64)> = earlier.collect();
    let mut sum = (0_u64, 0_u64);
    for (_, socket) in owned(after) {
        if let (Some(now), Some(then)) = (counts(socket), earlier.get(&socket.cookie)) {
            sum.0 += now.0.saturating_sub(then.0);
            sum.1 += now.1.saturating_sub(then.1);
        }
    }
    sum
}
