//! What does a path look like, and what does it mean? Rows for hops, figures of the destination, findings.

mod findings;
mod row;
pub mod table;
pub mod threshold;
pub(crate) mod words;

use netperf_core::host_names::HostNames;
use netperf_core::model::path::PathModel;
use netperf_core::sample::Loss;
use netperf_core::sample::path::Method;
use serde::Serialize;

pub use self::row::{DestinationRow, HopHost, HopRow, MtuRow};
use super::time::Rfc3339;
use netperf_diagnose::Finding;

/// A path after a cycle.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename = "path")]
pub struct PathTick<'m> {
    /// When the cycle was over.
    pub time: Rfc3339,
    /// Since the end of the cycle before.
    pub interval_s: Option<f64>,
    /// Number of the cycle, from 1.
    pub cycle: u64,
    /// As the user named it. Untrusted text.
    pub host: &'m str,
    /// Where it is.
    pub address: String,
    /// What probes are: `icmp`, `udp` or `tcp`.
    pub method: &'static str,
    /// Port that they go to.
    pub port: Option<u16>,
    /// Their length with all headers, in bytes; a SYN has its own.
    pub size: Option<u16>,
    /// By distance.
    pub hops: Vec<HopRow>,
    /// The host itself.
    pub destination: DestinationRow,
    /// The largest packet that passes; `null` where that was not asked for or is not known yet.
    pub mtu: Option<MtuRow>,
    /// Whose remote host it is, where that was asked for.
    pub process: Option<&'m ProcessSide>,
    /// What the figures mean, the worst first.
    pub findings: Vec<Finding>,
    /// Nothing is counted in the kernel here.
    pub loss: Loss,
}

/// What a process's own connections to the destination say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProcessSide {
    /// Its number.
    pub pid: u32,
    /// Its name. Untrusted text.
    pub name: String,
    /// Its connections to that host.
    pub connections: u64,
    /// Payload that the host has acknowledged, and what was received from it.
    pub bytes: u64,
    /// Smoothed round-trip times of the connections: the shortest.
    pub srtt_min_us: Option<u32>,
    /// The one in the middle.
    pub srtt_median_us: Option<u32>,
    /// The longest.
    pub srtt_max_us: Option<u32>,
}

impl<'m> PathTick<'m> {
    /// Rows and findings of a path as it is now.
    pub fn new(
        path: &'m PathModel,
        names: &dyn HostNames,
        process: Option<&'m ProcessSide>,
    ) -> Self {
        let target = &path.target;
        let (method, port) = match target.method {
            Method::Icmp => ("icmp", None),
            Method::Udp(port) => ("udp", Some(port)),
            Method::Tcp(port) => ("tcp", Some(port)),
        };
        Self {
            time: Rfc3339(path.wall),
            interval_s: path.interval.map(|interval| interval.as_secs_f64()),
            cycle: path.cycle,
            host: &target.host,
            address: target.address.to_string(),
            method,
            port,
            size: (method != "tcp").then_some(target.size),
            hops: path
                .hops()
                .iter()
                .zip(1..)
                .map(|(hop, ttl)| HopRow::new(ttl, hop, names))
                .collect(),
            destination: DestinationRow::new(path),
            mtu: path
                .mtu
                .as_ref()
                .and_then(|mtu| mtu.as_ref().ok())
                .map(MtuRow::new),
            process,
            findings: findings::of(path, process),
            loss: Loss::default(),
        }
    }
}

/// Why the destination was never reached, if it was asked and never answered.
pub fn unreached(path: &PathModel) -> Option<String> {
    findings::unreached(path)
}
