//! The addresses to probe: those of a host, or those that a process talks to.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs::File;
use std::net::{IpAddr, SocketAddr};

use anyhow::bail;
use netperf_core::failure::Failure;
use netperf_core::model::path::ProcessSide;
use netperf_core::sample::TcpState;
use netperf_core::sample::path::PathTarget;
use netperf_core::sample::socket::{Ends, SocketReading, SocketSample};
use netperf_core::sample::state_set::StateSet;
use netperf_sys::capture::{Detail, Listed, Scope, SocketFeed, SocketRequest};
use netperf_sys::procfs::Procfs;

use super::{Destination, PathRun};
use crate::cmd::listing::failure;

/// Largest number of hosts of a process to probe.
const REMOTES: usize = 3;

/// An address to probe.
#[derive(Debug)]
pub(super) struct Aim {
    pub(super) target: PathTarget,
    /// The address, with its interface if it is link-local.
    pub(super) address: SocketAddr,
    pub(super) process: Option<ProcessSide>,
    /// Network namespace to probe from, if not the own one.
    pub(super) namespace: Option<File>,
}

/// All targets of a run.
pub(super) async fn of(run: &PathRun) -> anyhow::Result<Vec<Aim>> {
    match &run.destination {
        Destination::Host { name, wants_all } => host(run, name, *wants_all).await,
        &Destination::OfProcess(tgid) => process(run, tgid),
    }
}

async fn host(run: &PathRun, name: &str, wants_all: bool) -> anyhow::Result<Vec<Aim>> {
    let found = tokio::net::lookup_host((name, 0)).await;
    let found = found.map_err(|error| {
        Failure::CheckFailed(format!("the address of `{name}` can't be found: {error}"))
    })?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found.filter(|address| run.takes(address.ip())) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let Some(&first) = addresses.first() else {
        let family = if run.family == Some(true) {
            "IPv6"
        } else {
            "IPv4"
        };
        bail!(Failure::CheckFailed(format!(
            "`{name}` has no {family} address"
        )));
    };
    if let Some(odd) = addresses.iter().find(|address| is_no_host(address.ip())) {
        bail!(Failure::Usage(format!(
            "{} is the address of no single host",
            odd.ip()
        )));
    }
    if !wants_all {
        addresses = vec![first];
    }
    let aim = |address| run.aim(name.to_owned(), address);
    Ok(addresses.into_iter().map(aim).collect())
}

fn is_no_host(address: IpAddr) -> bool {
    let is_broadcast = address == IpAddr::from([255, 255, 255, 255]);
    address.is_unspecified() || address.is_multicast() || is_broadcast
}

/// The hosts that a process has exchanged most bytes with over its open TCP connections.
fn process(run: &PathRun, tgid: u32) -> anyhow::Result<Vec<Aim>> {
    let request = SocketRequest {
        listed: vec![Listed::Tcp],
        states: StateSet::of([
            TcpState::Established,
            TcpState::CloseWait,
            TcpState::SynSent,
        ]),
        detail: Detail::Full,
        in_full: StateSet::NONE,
        networks: false,
        namespaces: Scope::Of(tgid),
        owners: vec![tgid],
    };
    let sample = SocketFeed::open().read(&request).map_err(failure)?;
    let own = Procfs::new("/").own_network_namespace();
    let is_elsewhere = sample.namespaces.first().copied() != own;
    let mut sides = sides(&sample, tgid);
    sides.retain(|(address, _)| run.takes(*address));
    sides.sort_by_key(|(_, side)| Reverse(side.bytes));
    if sides.is_empty() {
        bail!("process {tgid} has no TCP connection to another host that could be probed");
    }
    sides.truncate(REMOTES);
    let aim = |(address, side): (IpAddr, ProcessSide)| -> anyhow::Result<Aim> {
        let namespace = if is_elsewhere {
            Some(Procfs::new("/").open_network_namespace(tgid)?)
        } else {
            None
        };
        let aim = run.aim(address.to_string(), SocketAddr::new(address, 0));
        Ok(Aim {
            process: Some(side),
            namespace,
            ..aim
        })
    };
    sides.into_iter().map(aim).collect()
}

/// Connections of the process by remote host.
fn sides(sample: &SocketSample, tgid: u32) -> Vec<(IpAddr, ProcessSide)> {
    let mut srtts: HashMap<IpAddr, Vec<u32>> = HashMap::new();
    let mut sides: HashMap<IpAddr, ProcessSide> = HashMap::new();
    for socket in &sample.sockets {
        let Some(name) = owner_name(sample, socket, tgid) else {
            continue;
        };
        let Some(remote) = remote(socket) else {
            continue;
        };
        let side = sides.entry(remote).or_insert_with(|| ProcessSide {
            pid: tgid,
            name,
            connections: 0,
            bytes: 0,
            srtt_min_us: None,
            srtt_median_us: None,
            srtt_max_us: None,
        });
        side.connections += 1;
        if let Some(info) = &socket.tcp {
            let bytes = [info.bytes_acked, info.bytes_received];
            side.bytes += bytes.into_iter().flatten().sum::<u64>();
            srtts.entry(remote).or_default().extend(info.srtt_us);
        }
    }
    for (remote, side) in &mut sides {
        let mut all = srtts.remove(remote).unwrap_or_default();
        all.sort_unstable();
        side.srtt_min_us = all.first().copied();
        side.srtt_median_us = all.get(all.len() / 2).copied();
        side.srtt_max_us = all.last().copied();
    }
    sides.into_iter().collect()
}

fn owner_name(sample: &SocketSample, socket: &SocketReading, tgid: u32) -> Option<String> {
    let owners = sample.owners.of(socket.inode?).iter();
    let owner = owners
        .map(|owner| &owner.process)
        .find(|process| process.id.tgid == tgid)?;
    Some(owner.name.clone())
}

/// The remote host of a socket; `None` if it is on this machine.
fn remote(socket: &SocketReading) -> Option<IpAddr> {
    let Ends::Inet(ends) = &socket.ends else {
        return None;
    };
    let (local, remote) = (
        ends.local.ip().to_canonical(),
        ends.remote.ip().to_canonical(),
    );
    (remote != local && !remote.is_loopback() && !is_no_host(remote)).then_some(remote)
}

impl PathRun {
    fn takes(&self, address: IpAddr) -> bool {
        self.family.is_none_or(|is_v6| address.is_ipv6() == is_v6)
    }

    fn aim(&self, host: String, address: SocketAddr) -> Aim {
        Aim {
            target: PathTarget {
                host,
                address: address.ip(),
                method: self.method,
                size: self.size,
            },
            address,
            process: None,
            namespace: None,
        }
    }
}
