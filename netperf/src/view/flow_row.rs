//! A row of `flows`: a connection in one tick.

use std::cmp::Ordering;
use std::net::{IpAddr, SocketAddr};
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use netperf_core::host_names::HostNames;
use netperf_core::model::Model;
use netperf_core::model::flow::FlowTraffic;
use netperf_core::model::traffic::Speed;
use netperf_core::sample::{FlowId, Proto, TcpState};
use serde::Serialize;

use super::sort::{Figures, Ranked, Weight};

/// One connection in one tick.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FlowRow<'m> {
    /// Transport of the flow.
    pub proto: Proto,
    /// Local address and port.
    pub local: SocketAddr,
    /// Remote address and port; unspecified where the socket is not connected.
    pub remote: SocketAddr,
    /// Name of the remote host, with `--resolve`. Untrusted text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_host: Option<Arc<str>>,
    /// Network namespace of the socket.
    pub netns: u32,
    /// The process that moved the bytes.
    pub pid: u32,
    /// Its id in the initial pid namespace, where the tracer's has another or none.
    pub host_pid: Option<u32>,
    /// Its name. Untrusted text.
    pub name: &'m str,
    /// Bytes sent in this tick.
    pub tx_bytes: Option<u64>,
    /// Bytes received in this tick.
    pub rx_bytes: Option<u64>,
    /// Speeds over the tick and over longer windows.
    #[serde(flatten)]
    pub speeds: Speeds,
    /// Bytes sent since start.
    pub tx_total: u64,
    /// Bytes received since start.
    pub rx_total: u64,
    /// TCP state at the last activity.
    pub state: Option<TcpState>,
    /// Smoothed round-trip time at the last activity.
    pub srtt_us: Option<u32>,
    /// Segments retransmitted in this tick.
    pub retrans: Option<u32>,
    /// Segments that the socket retransmitted in its life.
    pub retrans_total: Option<u32>,
    /// Which flow of the model this is.
    #[serde(skip)]
    pub id: FlowId,
}

/// Speeds of a flow, or of several together, in bytes per second.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    missing_docs,
    reason = "direction and window are in the names; no suffix is the tick"
)]
pub struct Speeds {
    pub tx_bytes_per_s: Option<u64>,
    pub rx_bytes_per_s: Option<u64>,
    pub tx_bytes_per_s_2s: Option<u64>,
    pub rx_bytes_per_s_2s: Option<u64>,
    pub tx_bytes_per_s_10s: Option<u64>,
    pub rx_bytes_per_s_10s: Option<u64>,
    pub tx_bytes_per_s_40s: Option<u64>,
    pub rx_bytes_per_s_40s: Option<u64>,
}

impl<'m> FlowRow<'m> {
    /// One flow in the latest tick of the model.
    pub fn of(model: &Model, flow: &'m FlowTraffic, names: &dyn HostNames) -> Self {
        let reading = &flow.reading;
        Self {
            proto: reading.proto,
            local: reading.local,
            remote: reading.remote,
            remote_host: named(reading.remote.ip(), names),
            netns: reading.netns,
            pid: reading.process.id.tgid,
            host_pid: reading.process.host_tgid,
            name: &reading.process.name,
            tx_bytes: flow.moved.map(|moved| moved.tx_bytes),
            rx_bytes: flow.moved.map(|moved| moved.rx_bytes),
            speeds: Speeds::of(model, flow),
            tx_total: reading.tx_bytes,
            rx_total: reading.rx_bytes,
            state: reading.state,
            srtt_us: reading.srtt_us,
            retrans: flow.retrans,
            retrans_total: reading.retrans,
            id: reading.id,
        }
    }
}

impl Speeds {
    fn of(model: &Model, flow: &FlowTraffic) -> Self {
        let over = |seconds| {
            flow.history
                .average(model.at(), Duration::from_secs(seconds), model.opened())
        };
        let (tick, short, middle, long) =
            (model.span().speed(flow.moved), over(2), over(10), over(40));
        let tx = |speed: Option<Speed>| speed.map(|speed| speed.tx_bytes_per_s);
        let rx = |speed: Option<Speed>| speed.map(|speed| speed.rx_bytes_per_s);
        Self {
            tx_bytes_per_s: tx(tick),
            rx_bytes_per_s: rx(tick),
            tx_bytes_per_s_2s: tx(short),
            rx_bytes_per_s_2s: rx(short),
            tx_bytes_per_s_10s: tx(middle),
            rx_bytes_per_s_10s: rx(middle),
            tx_bytes_per_s_40s: tx(long),
            rx_bytes_per_s_40s: rx(long),
        }
    }
}

impl AddAssign for Speeds {
    /// Adds what is known; a sum is unknown only as long as nothing was known.
    fn add_assign(&mut self, other: Self) {
        let sums = [
            (&mut self.tx_bytes_per_s, other.tx_bytes_per_s),
            (&mut self.rx_bytes_per_s, other.rx_bytes_per_s),
            (&mut self.tx_bytes_per_s_2s, other.tx_bytes_per_s_2s),
            (&mut self.rx_bytes_per_s_2s, other.rx_bytes_per_s_2s),
            (&mut self.tx_bytes_per_s_10s, other.tx_bytes_per_s_10s),
            (&mut self.rx_bytes_per_s_10s, other.rx_bytes_per_s_10s),
            (&mut self.tx_bytes_per_s_40s, other.tx_bytes_per_s_40s),
            (&mut self.rx_bytes_per_s_40s, other.rx_bytes_per_s_40s),
        ];
        for (sum, added) in sums {
            *sum = sum.map_or(added, |sum| Some(sum.saturating_add(added.unwrap_or(0))));
        }
    }
}

/// Name of the host; `None` for an unspecified address.
pub(super) fn named(address: IpAddr, names: &dyn HostNames) -> Option<Arc<str>> {
    (!address.is_unspecified())
        .then(|| names.name_of(address))
        .flatten()
}

impl Ranked for FlowRow<'_> {
    fn weight(&self, figures: Figures) -> Weight {
        match figures {
            Figures::Rates => Weight {
                tx_bytes: self.tx_bytes.unwrap_or(0),
                rx_bytes: self.rx_bytes.unwrap_or(0),
                retrans: self.retrans.unwrap_or(0).into(),
            },
            Figures::Totals => Weight {
                tx_bytes: self.tx_total,
                rx_bytes: self.rx_total,
                retrans: self.retrans_total.unwrap_or(0).into(),
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
        (self.pid, self.id).cmp(&(other.pid, other.id))
    }
}
