//! Median, least and largest of several measurements.

use std::fmt;

/// Median, least and largest of several measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    /// The middle one; of an even number, the mean of the two in the middle.
    pub(super) median: f64,
    least: f64,
    /// The last one in order.
    pub(super) most: f64,
}

impl Spread {
    /// `None` without repeats.
    pub(super) fn of(repeats: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = repeats.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (&least, &most) = (sorted.first()?, sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            sorted[middle - 1].midpoint(sorted[middle])
        } else {
            sorted[middle]
        };
        Some(Self {
            median,
            least,
            most,
        })
    }

    /// Multiplied by a factor, for another unit.
    pub(super) fn times(self, factor: f64) -> Self {
        Self {
            median: self.median * factor,
            least: self.least * factor,
            most: self.most * factor,
        }
    }
}

/// Written as `median (least–most)`, with the precision of the format.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(0);
        let Self {
            median,
            least,
            most,
        } = self;
        write!(f, "{median:.digits$} ({least:.digits$}–{most:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_of_any_order() {
        let spread = Spread::of([3.0, 1.0, 2.0]).unwrap();
        assert_eq!(format!("{spread:.1}"), "2.0 (1.0–3.0)");
        let even = Spread::of([4.0, 1.0, 2.0, 3.0]).unwrap();
        assert_eq!(format!("{:.1}", even.times(10.0)), "25.0 (10.0–40.0)");
    }

    #[test]
    fn no_repeats_say_nothing() {
        assert_eq!(Spread::of([]), None);
    }
}
