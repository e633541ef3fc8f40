//! How long does it take to connect, for a round trip, and to be accepted?

use netperf_core::model::latency::Times;
use netperf_core::sample::latency::{LatencyKind, LatencyReading};
use netperf_core::units::format_micros;

use super::{Check, Measured, Topic};
use crate::words::process;
use crate::{Finding, Level};

/// A connect that took so long repeated its first packet: the kernel waits a second for an answer.
const REPEATED_US: u32 = 1_000_000;
/// Half of all round trips above this are felt.
const FAR_US: u32 = 300_000;
/// Nine in ten above this, and a multiple of the fastest ones: packets wait in a queue on the way.
const QUEUED_US: u32 = 100_000;
const QUEUED_TIMES: u32 = 4;
/// Clients that wait longer than this to be accepted feel it.
const ACCEPTED_US: u32 = 100_000;
/// Round trips from which on their spread says something.
const MANY: u64 = 10;
/// Findings of one kind.
const SHOWN_MAX: usize = 3;

pub(super) fn check(measured: &Measured<'_>) -> Check {
    let rows = match rows(measured) {
        Ok(rows) => rows,
        Err(why) => return Check::skipped(Topic::Delay, why),
    };
    let slowest = |kind| {
        rows.iter()
            .filter(|row| row.reading.kind == kind)
            .max_by_key(|row| row.times.p50_us)
    };
    let mut evidence = Vec::new();
    for (kind, what) in [
        (LatencyKind::Connect, "connect"),
        (LatencyKind::Rtt, "round trip"),
    ] {
        if let Some(row) = slowest(kind) {
            evidence.push(format!(
                "slowest {what} {} (median) with {}, of {}",
                format_micros(row.times.p50_us),
                row.reading.remote,
                row.who()
            ));
        }
    }
    if evidence.is_empty() {
        evidence.push("no connection was opened, and none received anything".to_owned());
    }
    let mut findings = shown(&rows, connect);
    findings.extend(shown(&rows, round_trip));
    Check::new(Topic::Delay, evidence.join("; "), findings)
}

/// Programs that let clients wait.
pub(super) fn accepts(measured: &Measured<'_>) -> Vec<Finding> {
    rows(measured)
        .map(|rows| shown(&rows, accept))
        .unwrap_or_default()
}

/// Times of one process with one host.
struct Row<'m> {
    reading: &'m LatencyReading,
    times: Times,
}

impl Row<'_> {
    fn who(&self) -> String {
        let process_id = self.reading.process.id.tgid;
        process(Some(&self.reading.process.name), Some(process_id))
    }
}

fn rows<'m>(measured: &Measured<'m>) -> Result<Vec<Row<'m>>, &'m str> {
    let model = measured.traffic?;
    let takes = |reading: &&LatencyReading| measured.takes(&reading.process, None);
    let row = |reading: &'m LatencyReading| Row {
        times: Times::of(&reading.counts),
        reading,
    };
    let mut rows: Vec<_> = model.latencies().iter().filter(takes).map(row).collect();
    rows.retain(|row| row.times.count > 0);
    rows.sort_by_key(|row| std::cmp::Reverse(row.times.p90_us));
    Ok(rows)
}

fn shown(rows: &[Row<'_>], judge: fn(&Row<'_>) -> Option<Finding>) -> Vec<Finding> {
    rows.iter().filter_map(judge).take(SHOWN_MAX).collect()
}

fn connect(row: &Row<'_>) -> Option<Finding> {
    let times = &row.times;
    if row.reading.kind != LatencyKind::Connect || times.p90_us < REPEATED_US {
        return None;
    }
    let (who, remote) = (row.who(), row.reading.remote);
    Some(Finding {
        level: Level::Warn,
        what: format!("{who} waits long for connections to {remote}"),
        evidence: format!(
            "{} measured, the slowest took up to {}; where no answer comes, the kernel repeats the first \
             packet after a second",
            times.count,
            format_micros(times.max_us)
        ),
        advice: vec![
            format!("see where packets are lost: `netperf-trace path {remote}`"),
            format!(
                "or {remote} turns clients away because its queue is full: run `netperf-trace states` \
                 there"
            ),
        ],
    })
}

fn round_trip(row: &Row<'_>) -> Option<Finding> {
    let times = &row.times;
    if row.reading.kind != LatencyKind::Rtt || times.count < MANY {
        return None;
    }
    let (who, remote) = (row.who(), row.reading.remote);
    let is_queued =
        times.p90_us >= QUEUED_US && times.p90_us >= times.p10_us.saturating_mul(QUEUED_TIMES);
    let is_far = times.p50_us >= FAR_US;
    let (what, advice) = if is_queued {
        (
            format!("packets of {who} to and from {remote} wait in a queue on the way"),
            "traffic fills a link on that path, perhaps that of this connection itself: see `netperf-trace \
             top` here, and `netperf-trace path` for where the delay begins",
        )
    } else if is_far {
        (
            format!("{remote} is far away for {who}: each question takes long"),
            "ask less often (batches, keep-alive, a cache), or bring both nearer to each other",
        )
    } else {
        return None;
    };
    Some(Finding {
        level: Level::Warn,
        what,
        evidence: format!(
            "round trips: a tenth below {}, half below {}, nine in ten below {} ({} measured)",
            format_micros(times.p10_us),
            format_micros(times.p50_us),
            format_micros(times.p90_us),
            times.count
        ),
        advice: vec![advice.to_owned()],
    })
}

fn accept(row: &Row<'_>) -> Option<Finding> {
    let times = &row.times;
    if row.reading.kind != LatencyKind::Accept || times.p90_us < ACCEPTED_US {
        return None;
    }
    let who = row.who();
    Some(Finding {
        level: Level::Warn,
        what: format!("{who} lets clients wait before it accepts them"),
        evidence: format!(
            "of {} from {} half waited {} or longer, a tenth {}",
            times.count,
            row.reading.remote,
            format_micros(times.p50_us),
            format_micros(times.p90_us)
        ),
        advice: vec![format!(
            "{who} is busy with something else, or has too few workers: see what it does, and let it \
             accept with more of them"
        )],
    })
}
