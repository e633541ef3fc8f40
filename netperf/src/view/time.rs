//! Timestamps as RFC 3339, in UTC, always with nanoseconds.

use std::fmt;

use jiff::Timestamp;
use netperf_core::clock::WallNs;
use serde::Serialize;

/// A moment as `2026-11-22T09:41:00.123456789Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(extend("format" = "date-time", "pattern" = r"\.\d{9}Z$"))
)]
pub struct Rfc3339(#[cfg_attr(feature = "schema", schemars(with = "String"))] pub WallNs);

impl Rfc3339 {
    /// The timestamp without the fraction of a second, for people.
    pub fn to_seconds(self) -> String {
        format!("{:.0}", self.timestamp())
    }

    fn timestamp(self) -> Timestamp {
        Timestamp::from_nanosecond(i128::from(self.0.0)).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.9}", self.timestamp())
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_are_always_written() {
        let written = |ns| Rfc3339(WallNs(ns)).to_string();
        assert_eq!(
            written(1_795_340_460_123_456_789),
            "2026-11-22T09:41:00.123456789Z"
        );
        assert_eq!(written(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(
            Rfc3339(WallNs(1_795_340_460_999_999_999)).to_seconds(),
            "2026-11-22T09:41:00Z"
        );
    }
}
