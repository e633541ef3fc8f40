//! The rows of `path`: hops, figures of the destination, and findings.

mod row;
pub mod table;

use netperf_core::host_names::HostNames;
use netperf_core::model::path::{PathModel, ProcessSide};
use netperf_core::sample::Loss;
use netperf_core::sample::path::Method;
use netperf_diagnose::Finding;
use netperf_diagnose::path::findings;
use serde::Serialize;

pub use self::row::{DestinationRow, HopHost, HopRow, MtuRow};
use super::time::Rfc3339;

/// A path after a cycle.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "path")]
pub struct PathTick<'m> {
    /// When the cycle was over.
    pub time: Rfc3339,
    /// Seconds since the end of the cycle before.
    pub interval_s: Option<f64>,
    /// Number of the cycle, from 1.
    pub cycle: u64,
    /// The host as the user wrote it. Untrusted text.
    pub host: &'m str,
    /// Address of the host.
    pub address: String,
    /// Protocol of the probes: `icmp`, `udp` or `tcp`.
    pub method: &'static str,
    /// Port of the probes.
    pub port: Option<u16>,
    /// Length of the probes with all headers, in bytes; a SYN has its own.
    pub size: Option<u16>,
    /// The hops by distance.
    pub hops: Vec<HopRow>,
    /// Figures of the destination.
    pub destination: DestinationRow,
    /// The largest packet that passes; `null` without `--mtu`, and until it is known.
    pub mtu: Option<MtuRow>,
    /// Connections of the process to this host, with `--of-process`.
    pub process: Option<&'m ProcessSide>,
    /// Findings, the worst first.
    pub findings: Vec<Finding>,
    /// Always zero: nothing is counted in the kernel here. Every tick has this field.
    pub loss: Loss,
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
            findings: findings(path, process),
            loss: Loss::default(),
        }
    }
}
