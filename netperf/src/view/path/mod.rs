//! What does a path look like, and what does it mean? Rows for hops, figures of the destination, findings.

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
