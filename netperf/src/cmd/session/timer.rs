//! When does a tick end, and when does the session?

use std::time::Duration;

use tokio::time::Instant;

use crate::view::envelope::Reason;

/// How long a session and its ticks are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cmd) struct Timing {
    /// Nominal length of a tick.
    pub(in crate::cmd) interval: Duration,
    /// How many ticks.
    pub(in crate::cmd) count: Option<u64>,
    /// How long altogether.
    pub(in crate::cmd) duration: Option<Duration>,
}

/// Ticks on a grid that does not drift. Ticks that were missed are one longer tick, never a burst.
#[derive(Clone, Copy, Debug)]
pub(in crate::cmd) struct Timer {
    interval: Duration,
    next: Instant,
    deadline: Option<Instant>,
    left: Option<u64>,
}

impl Timer {
    /// The first tick ends a full interval after `start`.
    pub(in crate::cmd) fn new(start: Instant, timing: Timing) -> Self {
        Self {
            interval: timing.interval,
            next: start + timing.interval,
            deadline: timing.duration.map(|duration| start + duration),
            left: timing.count,
        }
    }

    /// When the next tick is due.
    pub(in crate::cmd) fn next(&self) -> Instant {
        self.next
    }

    /// When the session is to end, if that was asked for.
    pub(in crate::cmd) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Ends a tick `now`; the reason, if it is the last one.
    pub(in crate::cmd) fn tick(&mut self, now: Instant) -> Option<Reason> {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Some(Reason::Duration);
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.left == Some(0) {
            return Some(Reason::Count);
        }
        let late = now.saturating_duration_since(self.next).as_nanos();
        let missed = late / self.interval.as_nanos().max(1);
        let steps = u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1);
        self.next += self.interval * steps;
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
        assert_eq!(timer.next(), start + SECOND);
        assert_eq!(timer.tick(start + SECOND + SECOND / 4), None);
        assert_eq!(timer.next(), start + SECOND * 2);
    }

    #[test]
    fn missed_ticks_are_skipped() {
        let (start, mut timer) = timer(None, None);
        timer.tick(start + SECOND * 7 / 2);
        assert_eq!(timer.next(), start + SECOND * 4);
        timer.tick(start + SECOND * 4);
        assert_eq!(timer.next(), start + SECOND * 5);
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
        assert_eq!(Some(timer.next()), timer.deadline());
        assert_eq!(timer.tick(timer.next()), Some(Reason::Duration));
    }
}
