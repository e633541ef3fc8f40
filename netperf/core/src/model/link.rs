//! How busy is each interface?

use super::tick::Span;
use super::traffic::{Speed, Traffic};
use crate::sample::LinkReading;

/// What one interface moved, in wire bytes.
#[derive(Clone, Debug)]
pub struct LinkTraffic {
    /// The latest reading.
    pub reading: LinkReading,
    /// In this tick; `None` in the first reading of this interface or where a counter went back.
    pub moved: Option<Traffic>,
    /// The speed over this tick.
    pub speed: Option<Speed>,
}

impl LinkTraffic {
    /// The share of the link speed that the busier direction uses; `None` where the driver names no
    /// speed.
    pub fn utilisation(&self) -> Option<f64> {
        let speed = self.speed?;
        let capacity = f64::from(self.reading.speed_mbit.filter(|&mbit| mbit > 0)?) * 125_000.0;
        #[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
        let busier = speed.tx_bytes_per_s.max(speed.rx_bytes_per_s) as f64;
        Some(busier / capacity)
    }
}

/// Compares the links of two readings. An index that now has another name is another interface.
pub(super) fn compare(before: &[LinkTraffic], now: &[LinkReading], span: Span) -> Vec<LinkTraffic> {
    now.iter()
        .map(|reading| follow(earlier(before, reading), reading, span))
        .collect()
}

fn earlier<'a>(before: &'a [LinkTraffic], reading: &LinkReading) -> Option<&'a LinkTraffic> {
    before
        .iter()
        .find(|link| link.reading.index == reading.index)
        .filter(|link| link.reading.name == reading.name)
}

fn follow(before: Option<&LinkTraffic>, reading: &LinkReading, span: Span) -> LinkTraffic {
    let moved = before.and_then(|link| counters(reading).since(counters(&link.reading)));
    LinkTraffic {
        reading: reading.clone(),
        moved,
        speed: span.speed(moved),
    }
}

fn counters(reading: &LinkReading) -> Traffic {
    Traffic {
        tx_bytes: reading.tx_bytes,
        rx_bytes: reading.rx_bytes,
    }
}
