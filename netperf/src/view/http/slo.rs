//! Which times were promised, and are they kept?

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use netperf_core::sample::http::Phase;
use serde::Serialize;

use super::target_row::{TargetRow, name_of};
use netperf_core::model::spread::{Spread, micros};

/// A time that is held against the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slo {
    /// What is not to take longer.
    pub measure: Measure,
    /// Than this.
    pub limit: Duration,
}

/// What can be promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// All of a request.
    Total,
    /// Until the first byte of the answer, from the very beginning.
    Ttfb,
    /// One phase.
    Phase(Phase),
}

/// What came of a promise.
#[derive(Clone, Debug, Serialize)]
pub struct SloRow {
    /// `total`, `ttfb`, or the name of a phase.
    pub measure: String,
    /// The address, where each one was asked by itself.
    pub address: Option<SocketAddr>,
    /// What it was not to exceed.
    pub limit_us: u64,
    /// What 95 of a hundred requests did not exceed; `None` if none got to its end.
    pub p95_us: Option<u64>,
    /// Whether it was kept.
    pub met: bool,
}

/// Why a list of promises can't be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SloError {
    /// In bytes.
    pub at: usize,
    /// What is wrong there.
    pub why: &'static str,
}

impl fmt::Display for Measure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Total => "total",
            Self::Ttfb => "ttfb",
            Self::Phase(phase) => name_of(*phase),
        })
    }
}

impl Measure {
    fn named(name: &str) -> Option<Self> {
        let phases = Phase::ALL.map(Self::Phase);
        let all = [Self::Total, Self::Ttfb].into_iter().chain(phases);
        all.into_iter().find(|it| it.to_string() == name)
    }

    fn spread(self, target: &TargetRow) -> Option<Spread> {
        match self {
            Self::Total => target.total,
            Self::Ttfb => target.ttfb,
            Self::Phase(phase) => {
                let row = target.phases.iter().find(|row| row.which == phase);
                row.map(|row| row.time)
            }
        }
    }
}

impl Slo {
    /// Reads `total=500ms,ttfb=0.2s`.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn list(text: &str) -> Result<Vec<Self>, SloError> {
        let mut at = 0;
        let mut slos = Vec::new();
        for part in text.split(',') {
            let fault = |at, why| Err(SloError { at, why });
            let Some((name, limit)) = part.split_once('=') else {
                return fault(at, "a limit is written as in `total=500ms`");
            };
            let Some(measure) = Measure::named(name.trim()) else {
                return fault(
                    at,
                    "what can be limited: total, ttfb, dns, connect, tls, request, wait, body",
                );
            };
            let Some(limit) = time(limit.trim()) else {
                return fault(
                    at + name.len() + 1,
                    "not a time above 0 with a unit: 500us, 200ms, 1.5s",
                );
            };
            slos.push(Self { measure, limit });
            at += part.len() + 1;
        }
        Ok(slos)
    }

    /// What came of it, for each target.
    pub(super) fn against(self, targets: &[TargetRow]) -> impl Iterator<Item = SloRow> {
        targets.iter().map(move |target| {
            let p95_us = self.measure.spread(target).map(|spread| spread.p95_us);
            let limit_us = micros(self.limit);
            SloRow {
                measure: self.measure.to_string(),
                address: target.address,
                limit_us,
                p95_us,
                met: p95_us.is_some_and(|it| it <= limit_us),
            }
        })
    }
}

fn time(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
    let (number, unit) = text.split_at(end);
    let unit = match unit.trim() {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    let seconds = number.parse::<f64>().ok()? * unit;
    let allowed = (1e-6..=86_400.0).contains(&seconds);
    allowed.then(|| Duration::try_from_secs_f64(seconds).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_read_with_their_units() {
        let slos = Slo::list("total=500ms, ttfb=0.2s,dns=300us").unwrap();
        let read: Vec<_> = slos
            .iter()
            .map(|slo| (slo.measure.to_string(), slo.limit.as_micros()))
            .collect();
        let expected = [("total", 500_000), ("ttfb", 200_000), ("dns", 300)];
        assert_eq!(read, expected.map(|(name, us)| (name.to_owned(), us)));
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        for (text, at) in [
            ("", 0),
            ("total", 0),
            ("total=1s,tfb=1s", 9),
            ("total=5", 6),
            ("total=0ms", 6),
            ("total=-1s", 6),
            ("ttfb=1s,total=1m", 14),
            ("total=1..2s", 6),
        ] {
            assert_eq!(Slo::list(text).unwrap_err().at, at, "{text}");
        }
    }
}
