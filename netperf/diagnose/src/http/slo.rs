//! Which times were promised, and are they kept? `--slo total<=500ms,ttfb<200ms`.

use std::net::SocketAddr;

use netperf_core::model::http::TargetRow;
use netperf_core::model::spread::{Spread, micros};
use netperf_core::sample::http::Phase;
use netperf_core::units::format_micros;
use serde::Serialize;

use crate::condition::{Condition, Metric, Operator, Quantity};
use crate::{Finding, Level};

/// What conditions of `http` can be about: 95 of a hundred requests must fulfil them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpMetric {
    /// All of a request.
    Total,
    /// Until the first byte of the answer, from the very beginning.
    Ttfb,
    /// One phase.
    Phase(Phase),
}

/// What came of a promise.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SloRow {
    /// `total`, `ttfb`, or the name of a phase.
    pub measure: &'static str,
    /// The address, where each one was asked by itself.
    pub address: Option<SocketAddr>,
    /// What it is held against.
    pub limit_us: u64,
    /// What 95 of a hundred requests did not exceed; `None` if none got to its end.
    pub p95_us: Option<u64>,
    /// Whether it was kept.
    pub met: bool,
    /// How it is compared with the limit.
    #[serde(skip)]
    pub operator: Operator,
}

impl Metric for HttpMetric {
    const ALL: &'static [Self] = &[
        Self::Total,
        Self::Ttfb,
        Self::Phase(Phase::Dns),
        Self::Phase(Phase::Connect),
        Self::Phase(Phase::Tls),
        Self::Phase(Phase::Request),
        Self::Phase(Phase::Wait),
        Self::Phase(Phase::Body),
    ];
    const EXAMPLE: &'static str = "total<=500ms";
    const EQUALS: Option<Operator> = Some(Operator::AtMost);
    const POSITIVE: bool = true;

    fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Ttfb => "ttfb",
            Self::Phase(phase) => phase.name(),
        }
    }

    fn quantity(self) -> Quantity {
        Quantity::Time
    }
}

impl HttpMetric {
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

/// What came of the promises, for each target.
pub fn rows(slos: &[Condition<HttpMetric>], targets: &[TargetRow]) -> Vec<SloRow> {
    let of_slo = |slo: &Condition<HttpMetric>| -> Vec<SloRow> {
        targets.iter().map(|target| row(slo, target)).collect()
    };
    slos.iter().flat_map(of_slo).collect()
}

fn row(slo: &Condition<HttpMetric>, target: &TargetRow) -> SloRow {
    let p95_us = slo.metric.spread(target).map(|spread| spread.p95_us);
    #[expect(clippy::cast_precision_loss, reason = "no request takes 2^53 µs")]
    let met = p95_us.is_some_and(|it| slo.holds(it as f64));
    SloRow {
        measure: slo.metric.name(),
        address: target.address,
        limit_us: micros(slo.time()),
        p95_us,
        met,
        operator: slo.operator,
    }
}

/// A promise that was not kept.
pub(super) fn missed(row: &SloRow) -> Finding {
    let at = row.address.map(|it| format!(" at {it}"));
    let (side, limit) = (
        if row.operator.is_upper() {
            "over"
        } else {
            "under"
        },
        format_micros(row.limit_us),
    );
    let evidence = match row.p95_us {
        Some(p95) => format!(
            "the 95th percentile is {}, the limit {limit}",
            format_micros(p95)
        ),
        None => "no request got to its end".to_owned(),
    };
    Finding::new(
        Level::Critical,
        format!(
            "{} is {side} its limit{}",
            row.measure,
            at.unwrap_or_default()
        ),
        evidence,
        &[],
    )
}
