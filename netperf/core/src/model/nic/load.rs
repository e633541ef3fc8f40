//! How much does an interface carry, and how much of its speed is that?

use std::time::Duration;

use crate::model::traffic::{Speed, Traffic};
use crate::sample::nic::{Duplex, NicReading};

/// What each packet takes up on an Ethernet cable beside the bytes that interfaces count: preamble,
/// check sum and the gap to the next one (IEEE 802.3).
const FRAME_BYTES: u64 = 24;

/// What an interface carried in one tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// As the interface counts it.
    pub speed: Option<Speed>,
    /// Packets sent per second.
    pub tx_packets_per_s: f64,
    /// Packets received per second.
    pub rx_packets_per_s: f64,
    /// Share of its speed that it sends at; `None` where its speed is not known or made up.
    pub tx_share: Option<f64>,
    /// Share of its speed that it receives at.
    pub rx_share: Option<f64>,
    /// Whether both directions share the speed.
    is_half: bool,
}

impl Load {
    /// Of bytes and packets that were sent, then received, in so much time.
    pub(super) fn new(nic: &NicReading, length: Duration, tx: (u64, u64), rx: (u64, u64)) -> Self {
        let moved = Traffic {
            tx_bytes: tx.0,
            rx_bytes: rx.0,
        };
        let seconds = length.as_secs_f64();
        let mbit = nic.mode.speed_mbit.filter(|_| !speed_is_nominal(nic));
        let share = |(bytes, packets): (u64, u64)| {
            let wire = bytes.saturating_add(packets.saturating_mul(FRAME_BYTES));
            Some(float(wire) * 8.0 / seconds / (f64::from(mbit?) * 1e6))
        };
        Self {
            speed: moved.per_second(length),
            tx_packets_per_s: float(tx.1) / seconds,
            rx_packets_per_s: float(rx.1) / seconds,
            tx_share: share(tx),
            rx_share: share(rx),
            is_half: nic.mode.duplex == Some(Duplex::Half),
        }
    }

    /// The share of its speed that is used: that of the busier direction, or of both together where
    /// they share it.
    pub fn utilisation(self) -> Option<f64> {
        let (tx, rx) = (self.tx_share?, self.rx_share?);
        Some(if self.is_half { tx + rx } else { tx.max(rx) })
    }
}

/// Whether its speed is a number that the driver makes up, and no limit: both ends of a `veth` are
/// memory, a `tun` ends in a program (it says 10 Mbit/s before Linux 6.0, 10 Gbit/s since, unless somebody sets
/// another speed), and a bridge copies the number of one of its ports.
pub fn speed_is_nominal(nic: &NicReading) -> bool {
    match nic.kind.as_deref() {
        Some("veth" | "bridge" | "dummy") => true,
        Some("tun") => matches!(nic.mode.speed_mbit, Some(10 | 10_000)),
        _ => false,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
fn float(number: u64) -> f64 {
    number as f64
}
