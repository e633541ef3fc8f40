//! Rows of `retrans`: lossy connections, processes and remote hosts; resets; drops.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use netperf_core::host_names::HostNames;
use netperf_core::model::Model;
use netperf_core::model::flow::FlowTraffic;
use netperf_core::model::losses::Account;
use netperf_core::sample::losses::{DropReading, DropReason, ResetDirection, ResetReading};
use netperf_core::sample::{ProcessId, Proto, TcpState};
use serde::Serialize;

use super::RetransOptions;
use crate::view::flow_row::{FlowRow, named};
use crate::view::process_row::ProcessRow;
use crate::view::sort::{Figures, Ranked, Weight};

/// A connection with retransmissions.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LossyFlow<'m> {
    /// The row of `flows`, with its `retrans`.
    #[serde(flatten)]
    pub flow: FlowRow<'m>,
    /// Share of the segments sent, and the causes.
    #[serde(flatten)]
    pub account: Account,
    /// Congestion window in segments at its last retransmission.
    pub cwnd: Option<u32>,
}

impl<'m> LossyFlow<'m> {
    pub(super) fn new(
        model: &Model,
        flow: &'m FlowTraffic,
        account: Account,
        names: &dyn HostNames,
    ) -> Self {
        Self {
            flow: FlowRow::of(model, flow, names),
            account,
            cwnd: flow.reading.losses.and_then(|losses| losses.cwnd),
        }
    }
}

/// A process with retransmissions.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LossyProcess<'m> {
    /// The row of `top`.
    #[serde(flatten)]
    pub process: ProcessRow<'m>,
    /// Share of the segments sent, and the causes.
    #[serde(flatten)]
    pub account: Account,
}

impl<'m> LossyProcess<'m> {
    pub(super) fn new(model: &'m Model, id: ProcessId, account: Account) -> Option<Self> {
        let process = ProcessRow::of(model, model.processes().get(id)?);
        Some(Self {
            process: ProcessRow {
                retrans: Some(account.retrans),
                ..process
            },
            account,
        })
    }
}

/// A remote host with retransmissions to it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LossyRemote<'m> {
    /// Address of the host.
    pub remote: IpAddr,
    /// Name of the host, with `--resolve`. Untrusted text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_host: Option<Arc<str>>,
    /// Names of the processes that retransmitted. Untrusted text.
    pub names: BTreeSet<&'m str>,
    /// Ids of these processes.
    pub pids: BTreeSet<u32>,
    /// Number of connections with retransmissions.
    pub flows: usize,
    /// Segments retransmitted.
    pub retrans: u64,
    /// Share of all segments sent to this host, and the causes.
    #[serde(flatten)]
    pub account: Account,
}

impl<'m> LossyRemote<'m> {
    pub(super) fn new(remote: IpAddr, names: &dyn HostNames) -> Self {
        Self {
            remote,
            remote_host: named(remote, names),
            names: BTreeSet::new(),
            pids: BTreeSet::new(),
            flows: 0,
            retrans: 0,
            account: Account::default(),
        }
    }

    pub(super) fn add(&mut self, flow: &'m FlowTraffic, account: Account) {
        self.account += account;
        self.retrans = self.account.retrans;
        if account.lost_anything() {
            self.names.insert(&flow.reading.process.name);
            self.pids.insert(flow.reading.id.process.tgid);
            self.flows += 1;
        }
    }
}

/// Resets of one process between two addresses.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResetRow<'m> {
    /// Which end sent the reset: `sent` by this host or `received`.
    pub direction: ResetDirection,
    /// Process id; 0 where no process had the socket.
    pub pid: u32,
    /// Its name. Untrusted text.
    pub name: &'m str,
    /// Local address and port.
    pub local: SocketAddr,
    /// Remote address and port; the latest of several.
    pub remote: SocketAddr,
    /// Network namespace; `None` if not known.
    pub netns: Option<u32>,
    /// State before the reset; `None` without a socket.
    pub state: Option<TcpState>,
    /// Resets of this kind on the connection.
    pub count: u64,
}

impl<'m> ResetRow<'m> {
    /// The resets that the options select, the most frequent first.
    pub(super) fn all(model: &'m Model, options: &RetransOptions) -> Vec<Self> {
        let takes = |reading: &&ResetReading| {
            let ends = (reading.local, reading.remote);
            options.flows.takes_ends(Proto::Tcp, ends, model)
                && options.processes.takes(&reading.process)
        };
        let mut rows: Vec<_> = model.resets().iter().filter(takes).map(Self::of).collect();
        rows.sort_by_key(|row| (u64::MAX - row.count, row.pid, row.local, row.remote));
        rows
    }

    fn of(reading: &'m ResetReading) -> Self {
        Self {
            direction: reading.direction,
            pid: reading.process.id.tgid,
            name: &reading.process.name,
            local: reading.local,
            remote: reading.remote,
            netns: Some(reading.netns).filter(|&netns| netns != 0),
            state: reading.state,
            count: reading.count,
        }
    }

    /// Whether the remote host sent the reset.
    pub fn is_received(&self) -> bool {
        self.direction == ResetDirection::Received
    }
}

/// Packets that the kernel dropped for one reason.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DropRow<'m> {
    /// The kernel's name of the reason.
    pub reason: DropReason,
    /// The reason in words.
    pub what: &'static str,
    /// Process of the destination socket; `None` if it is not known.
    pub pid: Option<u32>,
    /// Its name. Untrusted text.
    pub name: Option<&'m str>,
    /// Transport of the packets.
    pub proto: Option<Proto>,
    /// Local destination port.
    pub local_port: Option<u16>,
    /// Network namespace; `None` if not known.
    pub netns: Option<u32>,
    /// Packets dropped.
    pub packets: u64,
}

impl<'m> DropRow<'m> {
    /// The drops that the options select, the most frequent first.
    pub(super) fn all(model: &'m Model, options: &RetransOptions) -> Vec<Self> {
        let takes = |reading: &&DropReading| {
            let takes_owner = match &reading.process {
                Some(process) => options.processes.takes(process),
                None => options.processes.is_empty(),
            };
            let flows = &options.flows;
            takes_owner
                && flows
                    .port
                    .is_none_or(|port| reading.local_port == Some(port))
                && flows.remote.is_none()
                && flows.iface.is_none()
                && flows.proto.is_none_or(|proto| reading.proto == Some(proto))
        };
        let mut rows: Vec<_> = model.drops().iter().filter(takes).map(Self::of).collect();
        rows.sort_by_key(|row| (u64::MAX - row.packets, row.reason, row.local_port, row.pid));
        rows
    }

    fn of(reading: &'m DropReading) -> Self {
        let process = reading.process.as_ref();
        Self {
            reason: reading.reason,
            what: reading.reason.words(),
            pid: process.map(|process| process.id.tgid),
            name: process.map(|process| process.name.as_str()),
            proto: reading.proto,
            local_port: reading.local_port,
            netns: Some(reading.netns).filter(|&netns| netns != 0),
            packets: reading.packets,
        }
    }
}

impl Ranked for LossyFlow<'_> {
    fn weight(&self, figures: Figures) -> Weight {
        self.flow.weight(figures)
    }

    fn pid(&self) -> u32 {
        self.flow.pid
    }

    fn name(&self) -> &str {
        self.flow.name
    }

    fn tie(&self, other: &Self) -> Ordering {
        self.flow.tie(&other.flow)
    }
}

impl Ranked for LossyProcess<'_> {
    fn weight(&self, figures: Figures) -> Weight {
        self.process.weight(figures)
    }

    fn pid(&self) -> u32 {
        self.process.pid
    }

    fn name(&self) -> &str {
        self.process.name
    }

    fn tie(&self, other: &Self) -> Ordering {
        self.process.tie(&other.process)
    }
}

impl Ranked for LossyRemote<'_> {
    fn weight(&self, _: Figures) -> Weight {
        Weight {
            retrans: self.retrans,
            ..Weight::default()
        }
    }

    fn pid(&self) -> u32 {
        self.pids.first().copied().unwrap_or(0)
    }

    fn name(&self) -> &str {
        self.names.first().copied().unwrap_or_default()
    }

    fn tie(&self, other: &Self) -> Ordering {
        self.remote.cmp(&other.remote)
    }
}
