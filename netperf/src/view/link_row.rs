//! The row of an interface, above those of `top` and `flows`.

use netperf_core::model::Model;
use netperf_core::model::link::LinkTraffic;
use serde::Serialize;

/// One interface of the tracer's network namespace.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LinkRow<'m> {
    /// Name. Untrusted text.
    pub name: &'m str,
    /// Wire bytes sent in this tick.
    pub tx_bytes: Option<u64>,
    /// Wire bytes received in this tick.
    pub rx_bytes: Option<u64>,
    /// Wire bytes sent, a second.
    pub tx_bytes_per_s: Option<u64>,
    /// Wire bytes received, a second.
    pub rx_bytes_per_s: Option<u64>,
    /// Link speed, where the driver reports one.
    pub speed_mbit: Option<u32>,
    /// Share of the link speed that the busier direction uses.
    pub utilisation: Option<f64>,
    /// Whether it is administratively up.
    pub up: bool,
}

impl<'m> LinkRow<'m> {
    /// Every interface, in the order of the readings.
    pub fn all(model: &'m Model) -> Vec<Self> {
        model.links().iter().map(Self::of).collect()
    }

    fn of(link: &'m LinkTraffic) -> Self {
        Self {
            name: &link.reading.name,
            tx_bytes: link.moved.map(|moved| moved.tx_bytes),
            rx_bytes: link.moved.map(|moved| moved.rx_bytes),
            tx_bytes_per_s: link.speed.map(|speed| speed.tx_bytes_per_s),
            rx_bytes_per_s: link.speed.map(|speed| speed.rx_bytes_per_s),
            speed_mbit: link.reading.speed_mbit,
            utilisation: link.utilisation(),
            up: link.reading.up,
        }
    }

    /// Bytes a second in both directions, for choosing the busiest.
    pub fn speed(&self) -> u64 {
        self.tx_bytes_per_s
            .unwrap_or(0)
            .saturating_add(self.rx_bytes_per_s.unwrap_or(0))
    }
}
