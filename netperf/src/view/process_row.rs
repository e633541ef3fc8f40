//! A row of `top`: a process in one tick.

use std::cmp::Ordering;

use netperf_core::clock::WallNs;
use netperf_core::model::Model;
use netperf_core::model::process::ProcessTraffic;
use netperf_core::sample::{Container, Process, ProcessId};
use serde::Serialize;

use super::flow_row::FlowRow;
use super::sort::{Figures, Ranked, Weight};
use super::time::Rfc3339;

/// One process in one tick.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProcessRow<'m> {
    /// Process id; 0 is `[kernel]`.
    pub pid: u32,
    /// Process id in the initial pid namespace, where the tracer's has another or none.
    pub host_pid: Option<u32>,
    /// Start time, which identifies the process together with `pid`.
    pub start_time: Option<Rfc3339>,
    /// Name. Untrusted text.
    pub name: &'m str,
    /// Path of its executable. Untrusted text.
    pub exe: Option<&'m str>,
    /// Arguments. Untrusted text.
    pub cmdline: Option<&'m [String]>,
    /// Real user id.
    pub uid: Option<u32>,
    /// Name of that user.
    pub user: Option<&'m str>,
    /// Path in the cgroup v2 hierarchy. Untrusted text.
    pub cgroup: Option<&'m str>,
    /// systemd unit that it belongs to, if any.
    pub unit: Option<&'m str>,
    /// Container that it runs in, if any.
    pub container: Option<&'m Container>,
    /// Inode number of its network namespace.
    pub netns: Option<u32>,
    /// False if it has ended.
    pub alive: bool,
    /// Bytes sent in this tick.
    pub tx_bytes: Option<u64>,
    /// Bytes received in this tick.
    pub rx_bytes: Option<u64>,
    /// Bytes sent per second in this tick.
    pub tx_bytes_per_s: Option<u64>,
    /// Bytes received per second in this tick.
    pub rx_bytes_per_s: Option<u64>,
    /// Bytes sent since start.
    pub tx_total: u64,
    /// Bytes received since start.
    pub rx_total: u64,
    /// Segments retransmitted in this tick.
    pub retrans: Option<u64>,
    /// Segments retransmitted since start.
    pub retrans_total: u64,
    /// Its connections, with `--connections`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<Vec<FlowRow<'m>>>,
    /// The process in the model.
    #[serde(skip)]
    pub traffic: &'m ProcessTraffic,
}

impl<'m> ProcessRow<'m> {
    /// One process in the latest tick of the model.
    pub fn of(model: &Model, traffic: &'m ProcessTraffic) -> Self {
        let process = traffic.process.as_ref();
        let speed = model.span().speed(traffic.moved);
        Self {
            pid: process.id.tgid,
            host_pid: process.host_tgid,
            start_time: known_time(process.started),
            name: &process.name,
            exe: process.exe.as_deref(),
            cmdline: process.cmdline.as_deref(),
            uid: process.uid,
            user: process.user.as_deref(),
            cgroup: process.cgroup.as_deref(),
            unit: process.unit.as_deref(),
            container: process.container.as_ref(),
            netns: process.netns,
            alive: traffic.alive,
            tx_bytes: traffic.moved.map(|moved| moved.tx_bytes),
            rx_bytes: traffic.moved.map(|moved| moved.rx_bytes),
            tx_bytes_per_s: speed.map(|speed| speed.tx_bytes_per_s),
            rx_bytes_per_s: speed.map(|speed| speed.rx_bytes_per_s),
            tx_total: traffic.total.tx_bytes,
            rx_total: traffic.total.rx_bytes,
            retrans: traffic.retrans,
            retrans_total: traffic.total_retrans,
            connections: None,
            traffic,
        }
    }

    /// Identity, also when the pid is reused.
    pub fn id(&self) -> ProcessId {
        self.process().id
    }

    /// The process itself, as the model has it.
    pub fn process(&self) -> &'m Process {
        &self.traffic.process
    }
}

impl Ranked for ProcessRow<'_> {
    fn weight(&self, figures: Figures) -> Weight {
        match figures {
            Figures::Rates => Weight {
                tx_bytes: self.tx_bytes.unwrap_or(0),
                rx_bytes: self.rx_bytes.unwrap_or(0),
                retrans: self.retrans.unwrap_or(0),
            },
            Figures::Totals => Weight {
                tx_bytes: self.tx_total,
                rx_bytes: self.rx_total,
                retrans: self.retrans_total,
            },
        }
    }

    fn pid(&self) -> u32 {
        self.pid
    }

    fn name(&self) -> &str {
        self.name
    }

    fn tie(&self, other: &Self) -> Ordering {
        self.id().cmp(&other.id())
    }
}

/// The start time; zero stands for an unknown one.
fn known_time(started: WallNs) -> Option<Rfc3339> {
    (started.0 > 0).then_some(Rfc3339(started))
}
