//! How fast is what a limit lets through? Differences between its readings.

use std::time::Duration;

use crate::sample::limit::{DirectionNow, LimitNow, LimitSample, Queue};

/// A limit over its ticks.
#[derive(Clone, Debug)]
pub struct LimitModel {
    first: LimitSample,
    latest: LimitSample,
    interval: Option<Duration>,
    now: LimitNow,
}

impl LimitModel {
    /// Begins with the reading that the first tick is measured from.
    pub fn new(first: LimitSample) -> Self {
        let now = tick(&first, None);
        Self {
            latest: first.clone(),
            first,
            interval: None,
            now,
        }
    }

    /// Ends a tick.
    pub fn advance(&mut self, sample: LimitSample) {
        self.interval = sample.at.since(self.latest.at);
        self.now = tick(&sample, self.interval.map(|length| (&self.latest, length)));
        self.latest = sample;
    }

    /// The latest tick.
    pub fn now(&self) -> &LimitNow {
        &self.now
    }

    /// The latest reading.
    pub fn latest(&self) -> &LimitSample {
        &self.latest
    }

    /// Length of the latest tick.
    pub fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// Speeds since the first reading.
    pub fn overall(&self) -> LimitNow {
        let length = self.latest.at.since(self.first.at);
        tick(&self.latest, length.map(|length| (&self.first, length)))
    }

    /// How long that is.
    pub fn length(&self) -> Duration {
        self.latest.at.since(self.first.at).unwrap_or_default()
    }
}

fn tick(sample: &LimitSample, before: Option<(&LimitSample, Duration)>) -> LimitNow {
    let direction = |queue: Option<Queue>, pick: fn(&LimitSample) -> Option<Queue>| {
        let queue = queue?;
        let earlier = before.and_then(|(sample, length)| Some((pick(sample)?, length)));
        Some(DirectionNow {
            limit_bytes_per_s: queue.limit_bytes_per_s,
            bytes_per_s: earlier.and_then(|(before, length)| speed(before, queue, length)),
            bytes: queue.bytes,
            dropped: queue.dropped,
            queued_bytes: queue.queued_bytes,
        })
    };
    LimitNow {
        pids: sample.pids.clone(),
        sockets: sample.sockets,
        up: direction(sample.up, |sample| sample.up),
        down: direction(sample.down, |sample| sample.down),
    }
}

/// `None` if the counter went back.
fn speed(before: Queue, now: Queue, length: Duration) -> Option<u64> {
    let moved = u128::from(now.bytes.checked_sub(before.bytes)?);
    let per_s = moved * 1_000_000_000 / length.as_nanos().max(1);
    u64::try_from(per_s).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::limit_sample;

    #[test]
    fn speeds_are_of_the_measured_tick_and_overall_of_all() {
        let mut model = LimitModel::new(limit_sample(0, 0));
        assert_eq!(model.now().up.unwrap().bytes_per_s, None);
        model.advance(limit_sample(1_000, 20_000_000));
        model.advance(limit_sample(3_000, 30_000_000));
        assert_eq!(model.now().up.unwrap().bytes_per_s, Some(5_000_000));
        assert_eq!(model.overall().up.unwrap().bytes_per_s, Some(10_000_000));
        assert_eq!(model.now().down, None);
    }

    #[test]
    fn a_counter_that_went_back_and_a_clock_that_stood_still_give_no_speed() {
        let mut model = LimitModel::new(limit_sample(0, 5));
        model.advance(limit_sample(1_000, 4));
        assert_eq!(model.now().up.unwrap().bytes_per_s, None);
        model.advance(limit_sample(1_000, 4));
        assert_eq!(model.now().up.unwrap().bytes_per_s, None);
        assert_eq!(model.interval(), None);
    }
}
