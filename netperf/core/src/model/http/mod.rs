//! The figures of `http`: how long each phase of the requests took, as in the JSON output.

pub mod request;
pub mod target;

pub use self::request::{CurlTimes, RequestRow, TlsRow};
pub use self::target::{LongestRow, PhaseRow, TargetRow};
