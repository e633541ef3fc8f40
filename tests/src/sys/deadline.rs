//! Deadlines. This is the only module of the tests that reads a clock.

use std::time::{Duration, Instant};

/// A moment after which a test stops waiting.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    start: Instant,
    at: Instant,
}

impl Deadline {
    /// The moment `span` from now.
    #[expect(
        clippy::disallowed_methods,
        reason = "a deadline is no measurement of the tracer's"
    )]
    pub fn after(span: Duration) -> Self {
        let start = Instant::now();
        Self {
            start,
            at: start + span,
        }
    }

    /// The moment `seconds` from now.
    pub fn seconds(seconds: u64) -> Self {
        Self::after(Duration::from_secs(seconds))
    }

    /// The moment `span` after this one.
    #[must_use]
    pub fn later(self, span: Duration) -> Self {
        Self {
            at: self.at + span,
            ..self
        }
    }

    /// Time left; zero once it has passed.
    #[expect(
        clippy::disallowed_methods,
        reason = "a deadline is no measurement of the tracer's"
    )]
    pub fn left(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// Time since the deadline was set.
    pub fn elapsed(self) -> Duration {
        self.start.elapsed()
    }

    /// Time left in whole milliseconds, rounded up, as `poll(2)` takes it.
    pub fn poll_timeout(self) -> u16 {
        let ms = self.left().as_micros().div_ceil(1000);
        u16::try_from(ms).unwrap_or(u16::MAX)
    }
}
