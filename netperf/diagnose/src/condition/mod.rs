//! What must hold, and what must not? One language for `--fail-if`, `--slo` and `limit --check`.
//!
//! A condition is a metric, an operator and a bound: `loss>=1`, `p95<200ms`, `up>=19MB/s`. Each command
//! has metrics of its own; operators, units and errors are the same everywhere.

mod bound;
mod parse;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::bound::Quantity;

/// What conditions of one command can be about.
pub trait Metric: Copy + PartialEq + 'static {
    /// Every metric.
    const ALL: &'static [Self];
    /// A condition, for messages.
    const EXAMPLE: &'static str;
    /// What a bare `=` stands for; it is refused where `None`.
    const EQUALS: Option<Operator> = None;
    /// Whether a bound of 0 is refused.
    const POSITIVE: bool = false;

    /// As users write it.
    fn name(self) -> &'static str;

    /// What its values are.
    fn quantity(self) -> Quantity;

    /// The metric of this name.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.name() == name)
    }
}

/// How a value is compared with its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

/// A bound on a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition<M> {
    /// The figure to compare.
    pub metric: M,
    /// The comparison.
    pub operator: Operator,
    /// With what: µs, percent, bytes, bytes a second, or a number.
    pub bound: f64,
}

/// Why a text is no condition, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct ConditionError {
    /// Byte at which it is wrong.
    pub at: usize,
    /// What is wrong there.
    pub why: String,
}

impl Operator {
    fn relation(self) -> &'static str {
        match self {
            Self::Less => "less than",
            Self::AtMost => "at most",
            Self::More => "more than",
            Self::AtLeast => "at least",
        }
    }

    /// Whether it is broken by values that are too large.
    pub fn is_upper(self) -> bool {
        matches!(self, Self::Less | Self::AtMost)
    }
}

impl<M: Metric> Condition<M> {
    /// Whether a value fulfils it.
    pub fn holds(&self, value: f64) -> bool {
        match self.operator {
            Operator::Less => value < self.bound,
            Operator::AtMost => value <= self.bound,
            Operator::More => value > self.bound,
            Operator::AtLeast => value >= self.bound,
        }
    }

    /// The bound with its unit: `49.0 ms`.
    pub fn bound_text(&self) -> String {
        self.metric.quantity().text(self.bound)
    }

    /// The bound of a time.
    pub fn time(&self) -> Duration {
        Duration::try_from_secs_f64(self.bound / 1e6).unwrap_or(Duration::MAX)
    }

    /// `avg is 50.0 ms, more than 49.0 ms`, of a value that fulfils it.
    pub fn sentence(&self, value: f64) -> String {
        format!(
            "{} is {}, {} {}",
            self.metric.name(),
            self.metric.quantity().text(value),
            self.operator.relation(),
            self.bound_text()
        )
    }
}
