//! What do the times of many probes come to?

use std::collections::VecDeque;

use crate::model::percentile::percentile;

/// Times that percentiles are made of: the latest. A day at one probe a second.
const KEPT: usize = 86_400;

/// Figures of the probes to one place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    sent: u64,
    received: u64,
    last_us: Option<u32>,
    best_us: Option<u32>,
    worst_us: Option<u32>,
    mean: f64,
    /// Sum of the squared distances from the mean (Welford).
    squares: f64,
    /// Sum of the differences between one answer and the next.
    steps: u64,
    times: VecDeque<u32>,
}

impl Figures {
    /// One more probe, and how long its answer took; `None` if it was lost.
    pub fn add(&mut self, rtt_us: Option<u32>) {
        self.sent += 1;
        let Some(rtt_us) = rtt_us else { return };
        self.received += 1;
        let rtt = f64::from(rtt_us);
        let distance = rtt - self.mean;
        self.mean += distance / count(self.received);
        self.squares += distance * (rtt - self.mean);
        self.steps += self
            .last_us
            .map_or(0, |last| u64::from(last.abs_diff(rtt_us)));
        self.last_us = Some(rtt_us);
        self.best_us = Some(self.best_us.map_or(rtt_us, |best| best.min(rtt_us)));
        self.worst_us = Some(self.worst_us.map_or(rtt_us, |worst| worst.max(rtt_us)));
        if self.times.len() == KEPT {
            self.times.pop_front();
        }
        self.times.push_back(rtt_us);
    }

    /// Probes whose fate is known.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Those that were answered.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Those that were not.
    pub fn lost(&self) -> u64 {
        self.sent - self.received
    }

    /// Share that was lost; `None` if none were sent.
    pub fn loss_percent(&self) -> Option<f64> {
        (self.sent > 0).then(|| count(self.lost()) * 100.0 / count(self.sent))
    }

    /// The latest answer.
    pub fn last_us(&self) -> Option<u32> {
        self.last_us
    }

    /// The shortest time.
    pub fn best_us(&self) -> Option<u32> {
        self.best_us
    }

    /// The longest.
    pub fn worst_us(&self) -> Option<u32> {
        self.worst_us
    }

    /// The mean.
    pub fn avg_us(&self) -> Option<u32> {
        (self.received > 0).then(|| micros(self.mean))
    }

    /// Standard deviation as of a sample, which is what mtr shows; `None` of fewer than two answers.
    pub fn stddev_us(&self) -> Option<u32> {
        (self.received > 1).then(|| micros((self.squares / count(self.received - 1)).sqrt()))
    }

    /// Standard deviation of the answers themselves, which ping calls `mdev`.
    pub fn mdev_us(&self) -> Option<u32> {
        (self.received > 0).then(|| micros((self.squares / count(self.received)).sqrt()))
    }

    /// Mean difference between an answer and the next; `None` of fewer than two.
    pub fn jitter_us(&self) -> Option<u32> {
        let steps = self.received.checked_sub(1).filter(|&steps| steps > 0)?;
        Some(micros(count(self.steps) / count(steps)))
    }

    /// Times below which so many percent of the answers are (nearest rank), of the latest 86 400.
    pub fn percentiles_us<const N: usize>(&self, percents: [u8; N]) -> [Option<u32>; N] {
        let mut sorted: Vec<u32> = self.times.iter().copied().collect();
        sorted.sort_unstable();
        percents.map(|percent| percentile(&sorted, percent))
    }

    /// The time in the middle.
    pub fn median_us(&self) -> Option<u32> {
        let [median] = self.percentiles_us([50]);
        median
    }

    /// The latest times, old ones first.
    pub fn latest(&self, number: usize) -> impl Iterator<Item = u32> {
        self.times
            .iter()
            .copied()
            .skip(self.times.len().saturating_sub(number))
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and a time is not negative"
)]
fn micros(value: f64) -> u32 {
    value.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times: &[Option<u32>]) -> Figures {
        let mut figures = Figures::default();
        for &time in times {
            figures.add(time);
        }
        figures
    }

    #[test]
    fn figures_are_those_that_mtr_and_ping_print() {
        let figures = of(&[Some(2_000), None, Some(4_000), Some(9_000)]);
        assert_eq!(
            (figures.sent(), figures.received(), figures.lost()),
            (4, 3, 1)
        );
        assert_eq!(figures.loss_percent(), Some(25.0));
        assert_eq!(figures.avg_us(), Some(5_000));
        assert_eq!(
            (figures.best_us(), figures.worst_us()),
            (Some(2_000), Some(9_000))
        );
        assert_eq!(figures.last_us(), Some(9_000));
        assert_eq!(figures.stddev_us(), Some(3_606));
        assert_eq!(figures.mdev_us(), Some(2_944));
        assert_eq!(figures.jitter_us(), Some(3_500));
    }

    #[test]
    fn what_is_not_known_is_no_zero() {
        let none = of(&[None]);
        assert_eq!(
            (none.avg_us(), none.stddev_us(), none.mdev_us()),
            (None, None, None)
        );
        assert_eq!((none.jitter_us(), none.median_us()), (None, None));
        assert_eq!(Figures::default().loss_percent(), None);
        let one = of(&[Some(7)]);
        assert_eq!(
            (one.stddev_us(), one.jitter_us(), one.mdev_us()),
            (None, None, Some(0))
        );
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let figures = of(&(1..=100).map(Some).collect::<Vec<_>>());
        assert_eq!(
            figures.percentiles_us([50, 95, 99]),
            [Some(50), Some(95), Some(99)]
        );
        assert_eq!(of(&[Some(3)]).percentiles_us([50, 99]), [Some(3), Some(3)]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut figures = Figures::default();
        for time in 0..u32::try_from(KEPT).unwrap() + 10 {
            figures.add(Some(time));
        }
        assert_eq!(figures.times.len(), KEPT);
        assert_eq!(figures.best_us(), Some(0));
        assert_eq!(figures.latest(1).next(), figures.last_us());
    }
}
