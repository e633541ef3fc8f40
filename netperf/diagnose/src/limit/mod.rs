//! Who will suffer under a limit, and was its rate reached?

mod check;
mod warning;

pub use self::check::{LimitMetric, Outcome, outcome};
pub use self::warning::{Usage, warnings};
