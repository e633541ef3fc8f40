//! The span of time that a tick covers.

use std::time::Duration;

use super::traffic::Traffic;
use crate::clock::MonoNs;

/// From the reading before to this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The reading before.
    pub from: MonoNs,
    /// This reading.
    pub until: MonoNs,
}

impl Span {
    /// Its measured length, or `None` if the clock stood still or went back.
    pub fn length(self) -> Option<Duration> {
        self.until.since(self.from)
    }

    /// The speed of what moved within it.
    pub fn speed(self, moved: Option<Traffic>) -> Option<super::traffic::Speed> {
        moved?.per_second(self.length()?)
    }
}
