//! How many bytes went each way, and how fast is that?

use std::ops::AddAssign;
use std::time::Duration;

/// Payload in both directions, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Handed to sockets.
    pub tx_bytes: u64,
    /// Taken from sockets.
    pub rx_bytes: u64,
}

/// Speed in both directions, in bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speed {
    /// Sent.
    pub tx_bytes_per_s: u64,
    /// Received.
    pub rx_bytes_per_s: u64,
}

impl Traffic {
    /// What was added since `earlier`, or `None` if a counter went back.
    pub fn since(self, earlier: Self) -> Option<Self> {
        Some(Self {
            tx_bytes: self.tx_bytes.checked_sub(earlier.tx_bytes)?,
            rx_bytes: self.rx_bytes.checked_sub(earlier.rx_bytes)?,
        })
    }

    /// The speed at which this moves in `span`, or `None` if no time passed.
    pub fn per_second(self, span: Duration) -> Option<Speed> {
        Some(Speed {
            tx_bytes_per_s: scale(self.tx_bytes, 1_000_000_000, ns(span))?,
            rx_bytes_per_s: scale(self.rx_bytes, 1_000_000_000, ns(span))?,
        })
    }

    /// The share `part / whole` of it, or `None` if the whole is no time at all.
    pub(super) fn share(self, part: u64, whole: u64) -> Option<Self> {
        Some(Self {
            tx_bytes: scale(self.tx_bytes, part, whole)?,
            rx_bytes: scale(self.rx_bytes, part, whole)?,
        })
    }

    /// Both directions together.
    pub fn sum(self) -> u64 {
        self.tx_bytes.saturating_add(self.rx_bytes)
    }

    /// Nothing moved.
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.tx_bytes = self.tx_bytes.saturating_add(other.tx_bytes);
        self.rx_bytes = self.rx_bytes.saturating_add(other.rx_bytes);
    }
}

impl Speed {
    /// Both directions together.
    pub fn sum(self) -> u64 {
        self.tx_bytes_per_s.saturating_add(self.rx_bytes_per_s)
    }
}

/// `value * part / whole`, rounded to the nearest, without overflow on the way.
fn scale(value: u64, part: u64, whole: u64) -> Option<u64> {
    let whole = u128::from(whole);
    let product = u128::from(value) * u128::from(part);
    let scaled = (product + whole / 2).checked_div(whole)?;
    Some(u64::try_from(scaled).unwrap_or(u64::MAX))
}

/// A span in nanoseconds; longer than 584 years counts as that.
pub(super) fn ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(tx_bytes: u64, rx_bytes: u64) -> Traffic {
        Traffic { tx_bytes, rx_bytes }
    }

    #[test]
    fn difference_is_missing_when_a_counter_goes_back() {
        assert_eq!(traffic(5, 5).since(traffic(2, 5)), Some(traffic(3, 0)));
        assert_eq!(traffic(5, 5).since(traffic(2, 6)), None);
    }

    #[test]
    fn speed_is_measured_over_the_real_span() {
        let speed = traffic(3_000, 1).per_second(Duration::from_millis(1_500));
        assert_eq!(
            speed,
            Some(Speed {
                tx_bytes_per_s: 2_000,
                rx_bytes_per_s: 1
            })
        );
        assert_eq!(traffic(1, 1).per_second(Duration::ZERO), None);
    }

    #[test]
    fn huge_counters_do_not_overflow() {
        let speed = traffic(u64::MAX, 0).per_second(Duration::from_millis(100));
        assert_eq!(speed.map(|speed| speed.tx_bytes_per_s), Some(u64::MAX));
    }
}
