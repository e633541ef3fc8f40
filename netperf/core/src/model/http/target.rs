//! The figures of all requests to one address.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use crate::model::http::request::RequestRow;
use crate::model::spread::Spread;
use crate::sample::http::{Phase, RequestReading, TargetReading};

/// Requests to one address, or to whichever answered.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TargetRow {
    /// The address, where each was requested on its own.
    pub address: Option<SocketAddr>,
    /// How many requests got to their end.
    pub finished: usize,
    /// How many did not.
    pub failed: usize,
    /// How often each status code came.
    pub statuses: BTreeMap<u16, usize>,
    /// Each phase, of the requests that got to their end.
    pub phases: Vec<PhaseRow>,
    /// All phases together.
    pub total: Option<Spread>,
    /// Until the first byte of the answer (`time_starttransfer`).
    pub ttfb: Option<Spread>,
    /// Where most of the time went.
    pub longest: Option<LongestRow>,
    /// Each request.
    pub requests: Vec<RequestRow>,
}

/// Times of one phase.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhaseRow {
    /// Name of the phase.
    pub phase: &'static str,
    /// The phase.
    #[serde(skip)]
    pub which: Phase,
    /// How long it took.
    pub time: Spread,
    /// Share of the time of all phases of all requests.
    pub share_percent: f64,
}

/// The phase with the largest share.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LongestRow {
    /// Name of the phase.
    pub phase: &'static str,
    /// The phase.
    #[serde(skip)]
    pub which: Phase,
    /// Its share of all the time.
    pub share_percent: f64,
    /// How long it took, on average.
    pub avg_us: u64,
}

impl TargetRow {
    /// What came of these requests.
    pub fn new(target: &TargetReading) -> Self {
        let finished: Vec<_> = target
            .requests
            .iter()
            .filter(|it| it.failure.is_none())
            .collect();
        let mut statuses = BTreeMap::new();
        for reply in target.requests.iter().filter_map(|it| it.reply.as_ref()) {
            *statuses.entry(reply.status).or_insert(0) += 1;
        }
        let phases = phases(&finished);
        let longest = phases
            .iter()
            .max_by(|a, b| a.share_percent.total_cmp(&b.share_percent));
        Self {
            address: target.address,
            finished: finished.len(),
            failed: target.requests.len() - finished.len(),
            statuses,
            total: Spread::of(finished.iter().map(|it| it.marks.total)),
            ttfb: Spread::of(finished.iter().filter_map(|it| it.marks.starttransfer)),
            longest: longest.map(|row| LongestRow {
                phase: row.phase,
                which: row.which,
                share_percent: row.share_percent,
                avg_us: row.time.avg_us,
            }),
            phases,
            requests: target.requests.iter().map(RequestRow::new).collect(),
        }
    }

    /// The first request that got to its end.
    pub fn first_finished(&self) -> Option<&RequestRow> {
        self.requests.iter().find(|it| it.failure.is_none())
    }
}

fn phases(finished: &[&RequestReading]) -> Vec<PhaseRow> {
    let all: Duration = finished.iter().map(|it| it.marks.total).sum();
    let row = |which: Phase| {
        let lengths = finished.iter().map(|it| it.marks.length_of(which));
        let lengths: Vec<Duration> = lengths.collect::<Option<_>>()?;
        let sum: Duration = lengths.iter().sum();
        let share = sum.as_secs_f64() / all.as_secs_f64().max(1e-9);
        Some(PhaseRow {
            phase: which.name(),
            which,
            time: Spread::of(lengths)?,
            share_percent: share * 100.0,
        })
    };
    Phase::ALL.into_iter().filter_map(row).collect()
}
