//! Where did the time of the requests go? The figures of `http`, as the JSON has them.

pub mod request;
pub mod target;

pub use self::request::{CurlTimes, RequestRow, TlsRow};
pub use self::target::{LongestRow, PhaseRow, TargetRow};
