//! How did one resolver answer?

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use crate::model::spread::{Spread, micros};
use crate::sample::dns::{Outcome, Reading, Record, ResolverReading, Transport};

/// The figures of one resolver.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResolverRow {
    /// Address of the resolver.
    pub server: SocketAddr,
    /// Its place in resolv.conf, from 1; `None` for one that the user named.
    pub place: Option<usize>,
    /// What it answered, by type of record.
    pub types: Vec<TypeRow>,
}

/// Queries for one type of record.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TypeRow {
    /// `A`, `AAAA`, `MX`, …
    #[serde(rename = "record_type")]
    pub kind: String,
    /// Queries that were sent.
    pub sent: usize,
    /// Answers of any kind.
    pub answered: usize,
    /// Queries without an answer in time.
    pub timeouts: usize,
    /// How long one was waited for in vain, at most.
    pub waited_us: Option<u64>,
    /// Queries that failed otherwise.
    pub failed: usize,
    /// Answers that were too long for a datagram and were asked for again over TCP.
    pub truncated: usize,
    /// Of these, those that timed out over TCP.
    pub truncated_timeouts: usize,
    /// Of these, those that failed otherwise over TCP.
    pub truncated_failed: usize,
    /// How long the answers took.
    pub time: Option<Spread>,
    /// How long the first took: later ones may come from a cache.
    pub first_us: Option<u64>,
    /// How often it ended how: result codes, `timeout`, or what went wrong. May hold untrusted text.
    pub results: BTreeMap<String, usize>,
    /// The last answer.
    pub records: Vec<RecordRow>,
}

/// A record of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordRow {
    /// `A`, `CNAME`, …
    #[serde(rename = "record_type")]
    pub kind: String,
    /// As in a zone file. Untrusted text.
    pub value: String,
    /// For how long it may be kept.
    pub ttl_s: u32,
}

impl ResolverRow {
    pub(super) fn new(resolver: &ResolverReading) -> Self {
        let mut kinds: Vec<&str> = Vec::new();
        for reading in &resolver.readings {
            if !kinds.contains(&reading.kind.as_str()) {
                kinds.push(&reading.kind);
            }
        }
        let types = kinds.into_iter().map(|kind| {
            let of_kind = resolver.readings.iter().filter(|it| it.kind == kind);
            TypeRow::new(kind, &of_kind.collect::<Vec<_>>())
        });
        Self {
            server: resolver.server,
            place: resolver.place.map(|place| place + 1),
            types: types.collect(),
        }
    }

    /// All queries.
    pub fn sent(&self) -> usize {
        self.types.iter().map(|it| it.sent).sum()
    }

    /// All answers.
    pub fn answered(&self) -> usize {
        self.types.iter().map(|it| it.answered).sum()
    }

    /// All that went unanswered.
    pub fn timeouts(&self) -> usize {
        self.types.iter().map(|it| it.timeouts).sum()
    }

    /// Answers that were cut off.
    pub fn truncated(&self) -> usize {
        self.types.iter().map(|it| it.truncated).sum()
    }

    /// Answers that were cut off and did not come over TCP either: the resolver is there all the same.
    pub fn truncated_lost(&self) -> usize {
        let lost = |it: &TypeRow| it.truncated_timeouts + it.truncated_failed;
        self.types.iter().map(lost).sum()
    }

    /// The slowest type, as half of its answers have it.
    pub fn median_us(&self) -> Option<u64> {
        let medians = self.types.iter().filter_map(|it| Some(it.time?.p50_us));
        medians.max()
    }
}

impl TypeRow {
    fn new(kind: &str, readings: &[&Reading]) -> Self {
        let answered = readings
            .iter()
            .filter_map(|reading| Some((reading.took, reading.outcome.answer()?)));
        let answered: Vec<_> = answered.collect();
        let lost = readings
            .iter()
            .filter(|reading| reading.outcome == Outcome::TimedOut);
        let mut results = BTreeMap::new();
        for reading in readings {
            *results.entry(result(reading)).or_insert(0) += 1;
        }
        let took = |(took, _): &(Duration, _)| *took;
        let cut = |holds: &dyn Fn(&Outcome) -> bool| {
            let cut = readings
                .iter()
                .filter(|it| it.transport == Transport::UdpThenTcp);
            cut.filter(|it| holds(&it.outcome)).count()
        };
        Self {
            kind: kind.to_owned(),
            sent: readings.len(),
            answered: answered.len(),
            timeouts: lost.clone().count(),
            waited_us: lost.map(|reading| micros(reading.took)).max(),
            failed: readings
                .iter()
                .filter(|reading| matches!(reading.outcome, Outcome::Failed(_)))
                .count(),
            truncated: cut(&|_| true),
            truncated_timeouts: cut(&|outcome| *outcome == Outcome::TimedOut),
            truncated_failed: cut(&|outcome| matches!(outcome, Outcome::Failed(_))),
            time: Spread::of(answered.iter().map(took)),
            first_us: answered.first().map(|it| micros(took(it))),
            results,
            records: answered.last().map_or(Vec::new(), |(_, answer)| {
                answer.records.iter().map(RecordRow::new).collect()
            }),
        }
    }

    /// Queries that nobody answered at all, not even with a cut-off answer.
    pub fn silent(&self) -> usize {
        self.timeouts - self.truncated_timeouts
    }

    /// The values that were asked for, aliases left out, in an order of their own.
    pub fn values(&self) -> Vec<&str> {
        let wanted = |row: &&RecordRow| row.kind == self.kind || self.kind == "ANY";
        let mut values: Vec<&str> = self
            .records
            .iter()
            .filter(wanted)
            .map(|it| it.value.as_str())
            .collect();
        values.sort_unstable();
        values
    }
}

impl RecordRow {
    fn new(record: &Record) -> Self {
        Self {
            kind: record.kind.clone(),
            value: record.text.clone(),
            ttl_s: record.ttl_s,
        }
    }
}

/// Begins what is said of queries whose answer was cut off, and that failed over TCP.
pub const CUT_OFF: &str = "truncated, then over TCP: ";

fn result(reading: &Reading) -> String {
    let result = rcode_or_reason(&reading.outcome);
    match (reading.transport, &reading.outcome) {
        (Transport::UdpThenTcp, Outcome::TimedOut | Outcome::Failed(_)) => {
            format!("{CUT_OFF}{result}")
        }
        _ => result,
    }
}

/// How a query ended, in a word.
pub(super) fn rcode_or_reason(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(answer) => answer.rcode.name(),
        Outcome::TimedOut => "timeout".to_owned(),
        Outcome::Failed(reason) => reason.clone(),
    }
}
