//! The rows of `dns --watch`: the names that processes look up, and how long they wait.

pub mod query_row;
pub mod table;

use netperf_core::clock::WallNs;
use netperf_core::model::dns_watch::QueryTally;
use netperf_core::model::spread::{Spread, micros};
use netperf_core::sample::Loss;
use netperf_core::sample::dns_watch::DnsUnread;
use serde::Serialize;

use super::time::Rfc3339;

/// Options of `dns --watch`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsWatchOptions {
    /// Only these processes; all if empty.
    pub pids: Vec<u32>,
}

impl DnsWatchOptions {
    /// Whether a process is to be shown.
    pub fn wants(&self, tgid: u32) -> bool {
        self.pids.is_empty() || self.pids.contains(&tgid)
    }
}

/// The queries of one tick, by process.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "dns_watch")]
pub struct DnsWatchTick {
    /// When it ended.
    pub time: Rfc3339,
    /// How long it was.
    pub interval_s: f64,
    /// Processes, those with the most queries first.
    pub processes: Vec<AskerRow>,
    /// Answers of all processes whose query was not seen or had timed out.
    pub unmatched: u64,
    /// What could not be seen since the start.
    pub loss: Loss,
}

/// The queries of a process in one tick. A query counts in the tick in which it ends.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AskerRow {
    /// Process id; 0 where no process is known.
    pub pid: u32,
    /// Its name. Untrusted text.
    pub name: String,
    /// Queries that ended.
    pub queries: u64,
    /// Queries that were answered.
    pub answered: u64,
    /// Answers that the name does not exist.
    pub no_name: u64,
    /// Answers with an error of the resolver.
    pub failures: u64,
    /// Queries without an answer in time.
    pub timeouts: u64,
    /// Queries that repeated an unanswered one.
    pub retries: u64,
    /// How long the answers took.
    pub time: Option<Spread>,
}

impl DnsWatchTick {
    /// The rows of a tick.
    pub fn new(
        (wall, interval_s): (WallNs, f64),
        (tallies, unmatched): (Vec<QueryTally>, u64),
        unread: DnsUnread,
        options: &DnsWatchOptions,
    ) -> Self {
        let shown = tallies
            .iter()
            .filter(|it| options.wants(it.process.id.tgid));
        let mut processes: Vec<_> = shown.map(AskerRow::new).collect();
        processes.sort_by(|a, b| b.queries.cmp(&a.queries).then(a.pid.cmp(&b.pid)));
        Self {
            time: Rfc3339(wall),
            interval_s,
            processes,
            unmatched,
            loss: Loss {
                ring_lost: unread.lost,
                map_full: 0,
                unread: unread.unread,
            },
        }
    }
}

impl AskerRow {
    fn new(tally: &QueryTally) -> Self {
        Self {
            pid: tally.process.id.tgid,
            name: tally.process.name.clone(),
            queries: tally.queries,
            answered: tally.queries - tally.timeouts,
            no_name: tally.no_name,
            failures: tally.failures,
            timeouts: tally.timeouts,
            retries: tally.retries,
            time: Spread::of(tally.times.iter().copied()),
        }
    }
}

/// Converts `at` to wall-clock time; `now` is the present moment on both clocks.
fn wall_of(at: netperf_core::clock::MonoNs, now: (netperf_core::clock::MonoNs, WallNs)) -> WallNs {
    let ago = now
        .0
        .since(at)
        .map_or(0, |ago| u64::try_from(ago.as_nanos()).unwrap_or(0));
    WallNs(now.1.0.saturating_sub(ago))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use netperf_core::clock::MonoNs;
    use netperf_core::fixtures::process;
    use netperf_core::model::dns_watch::{DnsQuery, QueryEnd};
    use netperf_core::sample::Proto;
    use netperf_core::sample::dns::Rcode;

    use super::query_row::QueryRow;
    use super::*;

    fn tally(tgid: u32, queries: u64) -> QueryTally {
        QueryTally {
            process: process(tgid, "curl"),
            queries,
            timeouts: 1,
            no_name: 0,
            failures: 1,
            retries: 2,
            times: [5, 1, 3].map(Duration::from_millis).into(),
        }
    }

    #[test]
    fn the_process_with_most_queries_is_first_and_filters_apply() {
        let tick = |options: &DnsWatchOptions| {
            let tallies = vec![tally(7, 4), tally(8, 9)];
            DnsWatchTick::new(
                (WallNs(0), 1.0),
                (tallies, 3),
                DnsUnread::default(),
                options,
            )
        };
        let all = tick(&DnsWatchOptions::default());
        assert_eq!(
            all.processes.iter().map(|it| it.pid).collect::<Vec<_>>(),
            [8, 7]
        );
        assert_eq!((all.processes[0].answered, all.unmatched), (8, 3));
        assert_eq!(all.processes[0].time.unwrap().p50_us, 3_000);
        let one = tick(&DnsWatchOptions { pids: vec![7] });
        assert_eq!(one.processes.len(), 1);
    }

    #[test]
    fn a_query_has_the_time_at_which_it_was_sent() {
        let query = DnsQuery {
            at: MonoNs(4_000_000_000),
            process: process(7, "curl"),
            name: "x.y".to_owned(),
            kind: "A".to_owned(),
            netns: None,
            resolver: ([10, 0, 0, 1], 53).into(),
            proto: Proto::Udp,
            retries: 1,
            is_settled: false,
            end: QueryEnd::Answered {
                rcode: Rcode::NXDOMAIN,
                truncated: false,
                took: Duration::from_millis(12),
            },
        };
        let row = QueryRow::new(&query, (MonoNs(5_000_000_000), WallNs(9_000_000_000)));
        assert_eq!(row.time, Rfc3339(WallNs(8_000_000_000)));
        assert_eq!(
            (row.result.as_str(), row.took_us),
            ("NXDOMAIN", Some(12_000))
        );
    }
}
