//! What moved when? The recent past of one process or flow, in bounded memory.

use std::collections::VecDeque;
use std::time::Duration;

use super::traffic::{Speed, Traffic, ns};
use crate::clock::MonoNs;

/// Ticks shorter than this are kept together, so that no tick length makes a history long.
const GRAIN_NS: u64 = 500_000_000;

/// The traffic of the last `span`. Quiet stretches take no room.
#[derive(Clone, Debug)]
pub struct History {
    span_ns: u64,
    bursts: VecDeque<Burst>,
}

/// Traffic that moved at an even pace between two moments.
#[derive(Clone, Copy, Debug)]
struct Burst {
    from: MonoNs,
    until: MonoNs,
    traffic: Traffic,
}

impl History {
    /// Remembers the last `span`.
    pub fn new(span: Duration) -> Self {
        Self {
            span_ns: ns(span),
            bursts: VecDeque::new(),
        }
    }

    /// Adds what moved between `from` and `until`, and forgets what is too old by then.
    pub fn push(&mut self, from: MonoNs, until: MonoNs, traffic: Traffic) {
        self.forget(until);
        if traffic.is_zero() {
            return;
        }
        match self.bursts.back_mut() {
            Some(last) if until.0.saturating_sub(last.from.0) <= GRAIN_NS => {
                last.until = until;
                last.traffic += traffic;
            }
            _ => self.bursts.push_back(Burst {
                from,
                until,
                traffic,
            }),
        }
    }

    /// The average over the `window` that ends `now`; the window begins at `opened` at the earliest.
    pub fn average(&self, now: MonoNs, window: Duration, opened: MonoNs) -> Option<Speed> {
        let from = MonoNs(now.0.saturating_sub(ns(window)).max(opened.0));
        let mut sum = Traffic::default();
        for burst in &self.bursts {
            sum += burst.between(from, now);
        }
        sum.per_second(now.since(from)?)
    }

    /// Both directions in each of `count` stretches of equal `width`, the last one ending `now`.
    pub fn columns(&self, now: MonoNs, count: usize, width: Duration) -> Vec<u64> {
        let edge = |age: usize| now.0.saturating_sub(ns(width).saturating_mul(age as u64));
        (0..count)
            .rev()
            .map(|age| {
                let (from, until) = (MonoNs(edge(age + 1)), MonoNs(edge(age)));
                self.meeting(from, until)
                    .map(|burst| burst.between(from, until).sum())
                    .sum()
            })
            .collect()
    }

    /// Nothing moved in the span that ends `now`.
    pub fn is_quiet(&self, now: MonoNs) -> bool {
        self.bursts
            .back()
            .is_none_or(|last| last.until.0 <= self.horizon(now))
    }

    fn meeting(&self, from: MonoNs, until: MonoNs) -> impl Iterator<Item = &Burst> {
        let first = self.bursts.partition_point(|burst| burst.until <= from);
        self.bursts
            .range(first..)
            .take_while(move |burst| burst.from < until)
    }

    fn forget(&mut self, now: MonoNs) {
        let horizon = self.horizon(now);
        while self
            .bursts
            .front()
            .is_some_and(|first| first.until.0 <= horizon)
        {
            self.bursts.pop_front();
        }
    }

    fn horizon(&self, now: MonoNs) -> u64 {
        now.0.saturating_sub(self.span_ns)
    }
}

impl Burst {
    /// Its share between two moments.
    fn between(&self, from: MonoNs, until: MonoNs) -> Traffic {
        let overlap = self
            .until
            .0
            .min(until.0)
            .saturating_sub(self.from.0.max(from.0));
        let length = self.until.0.saturating_sub(self.from.0);
        self.traffic.share(overlap, length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(seconds: u64) -> MonoNs {
        MonoNs(seconds * SECOND)
    }

    fn sent(tx_bytes: u64) -> Traffic {
        Traffic {
            tx_bytes,
            rx_bytes: 0,
        }
    }

    fn average(history: &History, now: u64, window: u64) -> Option<u64> {
        let speed = history.average(at(now), Duration::from_secs(window), at(0))?;
        Some(speed.tx_bytes_per_s)
    }

    #[test]
    fn averages_decay_as_a_burst_leaves_their_window() {
        let mut history = History::new(Duration::from_secs(40));
        history.push(at(99), at(100), sent(4_000));
        assert_eq!(average(&history, 100, 2), Some(2_000));
        assert_eq!(average(&history, 100, 10), Some(400));
        assert_eq!(average(&history, 100, 40), Some(100));
        assert_eq!(average(&history, 102, 2), Some(0));
        assert_eq!(average(&history, 139, 40), Some(100));
        assert!(!history.is_quiet(at(139)));
        assert!(history.is_quiet(at(140)));
    }

    #[test]
    fn a_window_that_cuts_a_long_tick_takes_its_share() {
        let mut history = History::new(Duration::from_secs(40));
        history.push(at(0), at(60), sent(60_000));
        assert_eq!(average(&history, 60, 10), Some(1_000));
        assert_eq!(average(&history, 65, 10), Some(500));
    }

    #[test]
    fn a_window_never_begins_before_the_session() {
        let mut history = History::new(Duration::from_secs(40));
        history.push(at(0), at(2), sent(2_000));
        assert_eq!(average(&history, 2, 40), Some(1_000));
        assert_eq!(average(&history, 0, 40), None);
    }

    #[test]
    fn short_ticks_do_not_make_a_history_long() {
        let mut history = History::new(Duration::from_mins(1));
        for tick in 0..10_000 {
            let from = tick * SECOND / 10;
            history.push(MonoNs(from), MonoNs(from + SECOND / 10), sent(10));
        }
        assert!(
            history.bursts.len() <= 121,
            "{} bursts",
            history.bursts.len()
        );
        assert_eq!(average(&history, 1_000, 10), Some(100));
    }

    #[test]
    fn columns_show_the_past_from_old_to_new() {
        let mut history = History::new(Duration::from_mins(1));
        history.push(at(96), at(97), sent(7));
        history.push(at(98), at(100), sent(10));
        assert_eq!(
            history.columns(at(100), 4, Duration::from_secs(1)),
            [7, 0, 5, 5]
        );
        assert_eq!(
            history.columns(at(101), 4, Duration::from_secs(1)),
            [0, 5, 5, 0]
        );
    }
}
