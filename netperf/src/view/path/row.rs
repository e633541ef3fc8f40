//! Rows of `path`: the hops, the destination, the largest packet.

use std::net::IpAddr;
use std::sync::Arc;

use netperf_core::host_names::HostNames;
use netperf_core::model::path::{Hop, PathModel};
use netperf_core::sample::path::{MtuReading, Said};
use netperf_diagnose::path::words::unreachable;
use serde::Serialize;

/// A hop: every host that answers at one distance.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HopRow {
    /// Distance in hops, from 1.
    pub ttl: usize,
    /// Hosts that answered; empty if none ever did.
    pub hosts: Vec<HopHost>,
    /// Why the latest probe got no further than this hop, if it did not.
    pub stopped: Option<String>,
    /// Probes whose result is known.
    pub sent: u64,
    /// Probes that were answered.
    pub received: u64,
    /// Percentage of probes that were not answered.
    pub loss_percent: Option<f64>,
    /// Time of the latest answer.
    pub last_us: Option<u32>,
    /// Mean round-trip time.
    pub avg_us: Option<u32>,
    /// Shortest round-trip time.
    pub best_us: Option<u32>,
    /// Longest round-trip time.
    pub worst_us: Option<u32>,
    /// Standard deviation of the times.
    pub stddev_us: Option<u32>,
    /// Mean difference between successive times.
    pub jitter_us: Option<u32>,
}

/// A host that answers at this distance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HopHost {
    /// Address of the host.
    pub address: IpAddr,
    /// Name of the host, where it is known. Untrusted text.
    pub name: Option<Arc<str>>,
    /// Answers of this host.
    pub received: u64,
}

/// Figures of the destination.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DestinationRow {
    /// Whether it has ever answered.
    pub reached: bool,
    /// Its distance in hops.
    pub ttl: Option<usize>,
    /// Whether its latest answer refused the probe.
    pub refused: bool,
    /// Probes whose result is known.
    pub sent: u64,
    /// Probes that were answered.
    pub received: u64,
    /// Percentage of probes that were not answered.
    pub loss_percent: Option<f64>,
    /// Time of the latest answer.
    pub last_us: Option<u32>,
    /// Shortest round-trip time.
    pub min_us: Option<u32>,
    /// Mean round-trip time.
    pub avg_us: Option<u32>,
    /// Longest round-trip time.
    pub max_us: Option<u32>,
    /// Standard deviation as `ping` computes it.
    pub mdev_us: Option<u32>,
    /// Mean difference between successive times.
    pub jitter_us: Option<u32>,
    /// Median: half of the answers took no longer.
    pub p50_us: Option<u32>,
    /// 95th percentile.
    pub p95_us: Option<u32>,
    /// 99th percentile.
    pub p99_us: Option<u32>,
}

/// The largest packet that passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MtuRow {
    /// Largest packet that the destination answered, headers included.
    pub passes: Option<u32>,
    /// MTU of the interface that packets leave by.
    pub link: Option<u32>,
    /// Router that reported larger packets as too large.
    pub told_by: Option<IpAddr>,
    /// The MTU in that report.
    pub told: Option<u32>,
    /// Whether larger packets are lost without a report.
    pub black_hole: bool,
    /// The first hop that larger packets do not reach.
    pub lost_at: Option<u8>,
}

impl HopRow {
    pub(super) fn new(ttl: usize, hop: &Hop, names: &dyn HostNames) -> Self {
        let figures = &hop.figures;
        let hosts = hop.hosts.iter().map(|&(address, received)| HopHost {
            address,
            name: names.name_of(address),
            received,
        });
        Self {
            ttl,
            hosts: hosts.collect(),
            stopped: hop.stopped.and_then(stopped),
            sent: figures.sent(),
            received: figures.received(),
            loss_percent: figures.loss_percent(),
            last_us: figures.last_us(),
            avg_us: figures.avg_us(),
            best_us: figures.best_us(),
            worst_us: figures.worst_us(),
            stddev_us: figures.stddev_us(),
            jitter_us: figures.jitter_us(),
        }
    }
}

fn stopped(said: Said) -> Option<String> {
    match said {
        Said::Unreachable(why) => Some(unreachable(why)),
        Said::TooBig(_) => Some("the packet is too large".to_owned()),
        Said::Reached | Said::Refused | Said::Expired => None,
    }
}

impl DestinationRow {
    pub(super) fn new(path: &PathModel) -> Self {
        let figures = &path.destination;
        let [p50_us, p95_us, p99_us] = figures.percentiles_us([50, 95, 99]);
        Self {
            reached: figures.received() > 0,
            ttl: path.distance(),
            refused: path.is_refused,
            sent: figures.sent(),
            received: figures.received(),
            loss_percent: figures.loss_percent(),
            last_us: figures.last_us(),
            min_us: figures.best_us(),
            avg_us: figures.avg_us(),
            max_us: figures.worst_us(),
            mdev_us: figures.mdev_us(),
            jitter_us: figures.jitter_us(),
            p50_us,
            p95_us,
            p99_us,
        }
    }
}

impl MtuRow {
    pub(super) fn new(found: &MtuReading) -> Self {
        let is_less = found
            .passes
            .zip(found.link)
            .is_some_and(|(passes, link)| passes < link);
        Self {
            passes: found.passes,
            link: found.link,
            told_by: found.told_by.map(|(router, _)| router),
            told: found.told_by.and_then(|(_, mtu)| mtu),
            black_hole: is_less && found.told_by.is_none(),
            lost_at: found.lost_at,
        }
    }
}
