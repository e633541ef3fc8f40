//! How much of what was sent was lost, and is one share really more than another?

use netperf_core::model::path::Figures;

/// Standard errors by which two shares differ that do so by more than chance (about one in a hundred).
const CLEARLY: f64 = 2.5;

/// What one hop lost, or several together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) lost: u64,
    pub(super) sent: u64,
}

impl Share {
    /// Without the probes that a router sent back with a message: these were not lost.
    pub(super) fn of(figures: &Figures, sent_back: u64) -> Self {
        Self {
            lost: figures.lost().saturating_sub(sent_back),
            sent: figures.sent().saturating_sub(sent_back),
        }
    }

    pub(super) fn sum(shares: &[Self]) -> Self {
        Self {
            lost: shares.iter().map(|share| share.lost).sum(),
            sent: shares.iter().map(|share| share.sent).sum(),
        }
    }

    /// `None` if nothing was sent.
    pub(super) fn percent(self) -> Option<f64> {
        (self.sent > 0).then(|| count(self.lost) * 100.0 / count(self.sent))
    }

    pub(super) fn is_more_than(self, other: Self) -> bool {
        self.lost * other.sent > other.lost * self.sent
    }

    /// Whether this is far more than a link in front of both can have lost.
    pub(super) fn is_far_more_than(self, other: Self) -> bool {
        let (Some(own), Some(others)) = (self.percent(), other.percent()) else {
            return false;
        };
        own > others * 2.0 + 5.0
    }

    /// Whether chance hardly explains that this is more.
    pub(super) fn is_clearly_more_than(self, other: Self) -> bool {
        if self.sent == 0 || other.sent == 0 {
            return false;
        }
        let both = Self::sum(&[self, other]);
        let share = count(both.lost) / count(both.sent);
        let error = share * (1.0 - share) * (1.0 / count(self.sent) + 1.0 / count(other.sent));
        let more = count(self.lost) / count(self.sent) - count(other.lost) / count(other.sent);
        more > CLEARLY * error.sqrt()
    }

    /// Logarithm of how likely this is if each probe is lost with this very share.
    pub(super) fn likelihood(self) -> f64 {
        let part = |number: u64| {
            if number > 0 {
                count(number) * (count(number) / count(self.sent)).ln()
            } else {
                0.0
            }
        };
        part(self.lost) + part(self.sent - self.lost)
    }

    /// `lost 3 of 100`.
    pub(super) fn words(self) -> String {
        format!("lost {} of {}", self.lost, self.sent)
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_counts_where_chance_does_not_explain_it() {
        let share = |lost, sent| Share { lost, sent };
        assert!(share(65, 100).is_clearly_more_than(share(0, 100)));
        assert!(share(35, 100).is_clearly_more_than(share(0, 100)));
        assert!(!share(8, 100).is_clearly_more_than(share(3, 100)));
        assert!(!share(2, 10).is_clearly_more_than(share(0, 10)));
        assert!(!share(0, 10).is_clearly_more_than(share(0, 10)));
        assert!(!share(5, 10).is_clearly_more_than(share(0, 0)));
    }
}
