//! The end of each tick, and of the session.

use std::time::Duration;

use tokio::time::Instant;

use crate::view::envelope::Reason;

/// Length of a session and of its ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cmd) struct Timing {
    /// Nominal length of a tick.
    pub(in crate::cmd) interval: Duration,
    /// Number of ticks.
    pub(in crate::cmd) count: Option<u64>,
    /// Length of the session.
    pub(in crate::cmd) duration: Option<Duration>,
}

/// Ticks on a grid that does not drift. Missed ticks make one longer tick, never a burst.
#[derive(Clone, Copy, Debug)]
pub(in crate::cmd) struct Timer {
    interval: Duration,
    next: Option<Instant>,
    deadline: Option<Instant>,
    left: Option<u64>,
}

impl Timer {
    /// The first tick ends a full interval after `start`.
    pub(in crate::cmd) fn new(start: Instant, timing: Timing) -> Self {
        Self {
            next: Some(start + timing.interval),
            ..Self::at_once(start, Some(timing))
        }
    }

    /// The first tick ends at `start`; without a timing there is no other.
    pub(in crate::cmd) fn at_once(start: Instant, timing: Option<Timing>) -> Self {
        let once = Timing {
            interval: Duration::ZERO,
            count: Some(1),
            duration: None,
        };
        let timing = timing.unwrap_or(once);
        Self {
            interval: timing.interval,
            next: Some(start),
            deadline: timing.duration.map(|duration| start + duration),
            left: timing.count,
        }
    }

    /// No ticks; the session ends after `duration`, if there is one.
    pub(in crate::cmd) fn without_ticks(start: Instant, duration: Option<Duration>) -> Self {
        Self {
            interval: Duration::ZERO,
            next: None,
            deadline: duration.map(|duration| start + duration),
            left: None,
        }
    }

    /// When the next tick is due, if there is one.
    pub(in crate::cmd) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// When the session is to end; `None` without `--duration`.
    pub(in crate::cmd) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Ends a tick at `now`; returns the reason if it is the last one.
    pub(in crate::cmd) fn tick(&mut self, now: Instant) -> Option<Reason> {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Some(Reason::Duration);
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.left == Some(0) {
            return Some(Reason::Count);
        }
        if let Some(next) = &mut self.next {
            let late = now.saturating_duration_since(*next).as_nanos();
            let missed = late / self.interval.as_nanos().max(1);
            let steps = u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1);
            *next += self.interval * steps;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn timer(count: Option<u64>, duration: Option<Duration>) -> (Instant, Timer) {
        let start = Instant::now();
        (
            start,
            Timer::new(
                start,
                Timing {
                    interval: SECOND,
                    count,
                    duration,
                },
            ),
        )
    }

    #[test]
    fn ticks_stay_on_their_grid() {
        let (start, mut timer) = timer(None, None);
        assert_eq!(timer.next(), Some(start + SECOND));
        assert_eq!(timer.tick(start + SECOND + SECOND / 4), None);
        assert_eq!(timer.next(), Some(start + SECOND * 2));
    }

    #[test]
    fn missed_ticks_are_skipped() {
        let (start, mut timer) = timer(None, None);
        timer.tick(start + SECOND * 7 / 2);
        assert_eq!(timer.next(), Some(start + SECOND * 4));
        timer.tick(start + SECOND * 4);
        assert_eq!(timer.next(), Some(start + SECOND * 5));
    }

    #[test]
    fn the_last_tick_of_a_count_is_known() {
        let (start, mut timer) = timer(Some(2), None);
        assert_eq!(timer.tick(start + SECOND), None);
        assert_eq!(timer.tick(start + SECOND * 2), Some(Reason::Count));
    }

    #[test]
    fn a_duration_ends_with_the_tick_that_falls_on_it() {
        let (start, mut timer) = timer(None, Some(SECOND * 2));
        assert_eq!(timer.tick(start + SECOND), None);
        assert_eq!(timer.next(), timer.deadline());
        assert_eq!(timer.tick(start + SECOND * 2), Some(Reason::Duration));
    }

    #[test]
    fn what_is_read_once_is_due_at_once_and_then_over() {
        let start = Instant::now();
        let mut timer = Timer::at_once(start, None);
        assert_eq!(timer.next(), Some(start));
        assert_eq!(timer.tick(start), Some(Reason::Count));
        let length = Timer::without_ticks(start, Some(SECOND));
        assert_eq!(
            (length.next(), length.deadline()),
            (None, Some(start + SECOND))
        );
    }
}
