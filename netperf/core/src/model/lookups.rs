//! How long do the queries of each process take at each resolver, and what becomes of them?

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::dns_watch::{DnsQuery, QueryEnd};
use crate::sample::dns::Rcode;
use crate::sample::{Process, ProcessId};

/// Most times that are kept of a pair.
const TIMES_MAX: usize = 8_192;

/// Lookups of all processes.
#[derive(Clone, Debug, Default)]
pub struct Lookups {
    pairs: BTreeMap<(ProcessId, Option<u32>, SocketAddr), Lookup>,
    /// Packets that were not seen, or could not be read.
    pub unread: u64,
}

/// Queries of one process to one resolver.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The process.
    pub process: Arc<Process>,
    /// Inode number of the network namespace; `None` if it is not known.
    pub netns: Option<u32>,
    /// The resolver.
    pub resolver: SocketAddr,
    /// Queries that ended, one way or the other. Those that another resolver has settled do not count.
    pub queries: u64,
    /// Queries without an answer.
    pub lost: u64,
    /// Answered that there is no such name.
    pub no_name: u64,
    /// Answered with an error of the resolver, by its code.
    pub failures: BTreeMap<Rcode, u64>,
    /// Queries that repeated an unanswered one.
    pub retries: u64,
    /// How long the answers took: all, or one of each so many.
    pub times: Times,
    /// A name without an answer. Untrusted text.
    pub lost_name: Option<String>,
    /// A name that was answered with an error. Untrusted text.
    pub failed_name: Option<String>,
    /// The name that took longest, and how long. Untrusted text.
    pub slowest: Option<(Duration, String)>,
}

/// Times, thinned out where they are many.
#[derive(Clone, Debug)]
pub struct Times {
    kept: Vec<Duration>,
    /// One of so many is kept.
    every: u64,
    seen: u64,
}

impl Lookups {
    /// Takes a query that has ended.
    pub fn take(&mut self, query: DnsQuery) {
        if query.is_settled && query.end == QueryEnd::TimedOut {
            return;
        }
        let key = (query.process.id, query.netns, query.resolver);
        let lookup = self.pairs.entry(key).or_insert_with(|| Lookup::of(&query));
        lookup.take(query);
    }

    /// Each pair of a process and a resolver.
    pub fn all(&self) -> impl Iterator<Item = &Lookup> {
        self.pairs.values()
    }
}

impl Lookup {
    fn of(query: &DnsQuery) -> Self {
        Self {
            process: Arc::clone(&query.process),
            netns: query.netns,
            resolver: query.resolver,
            queries: 0,
            lost: 0,
            no_name: 0,
            failures: BTreeMap::new(),
            retries: 0,
            times: Times::default(),
            lost_name: None,
            failed_name: None,
            slowest: None,
        }
    }

    fn take(&mut self, query: DnsQuery) {
        self.queries += 1;
        self.retries += u64::from(query.retries);
        let QueryEnd::Answered { rcode, took, .. } = query.end else {
            self.lost += 1;
            self.lost_name = Some(query.name);
            return;
        };
        self.times.add(took);
        if rcode == Rcode::NXDOMAIN {
            self.no_name += 1;
        } else if !rcode.is_about_the_name() {
            *self.failures.entry(rcode).or_default() += 1;
            self.failed_name = Some(query.name.clone());
        }
        if self.slowest.as_ref().is_none_or(|(time, _)| took > *time) {
            self.slowest = Some((took, query.name));
        }
    }
}

impl Default for Times {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            every: 1,
            seen: 0,
        }
    }
}

impl Times {
    fn add(&mut self, took: Duration) {
        if self.seen.is_multiple_of(self.every) {
            if self.kept.len() == TIMES_MAX {
                self.thin_out();
            }
            self.kept.push(took);
        }
        self.seen += 1;
    }

    fn thin_out(&mut self) {
        let mut at = 0_u32;
        self.kept.retain(|_| {
            at += 1;
            at % 2 == 1
        });
        self.every *= 2;
    }

    /// Those that are kept.
    pub fn iter(&self) -> impl Iterator<Item = Duration> {
        self.kept.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{answered, query};

    #[test]
    fn each_end_of_a_query_counts_as_what_it_is() {
        let mut lookups = Lookups::default();
        for (name, end) in [
            ("a", answered(Rcode::NOERROR, 5)),
            ("b", answered(Rcode::NXDOMAIN, 9)),
            ("c", answered(Rcode::SERVFAIL, 1)),
            ("d", QueryEnd::TimedOut),
        ] {
            lookups.take(query(7, name, end));
        }
        let settled = DnsQuery {
            is_settled: true,
            ..query(7, "e", QueryEnd::TimedOut)
        };
        lookups.take(settled);
        let all: Vec<_> = lookups.all().collect();
        let [one] = all[..] else { panic!("{all:#?}") };
        assert_eq!((one.queries, one.lost, one.no_name), (4, 1, 1));
        assert_eq!(one.failures, BTreeMap::from([(Rcode::SERVFAIL, 1)]));
        assert_eq!(
            one.slowest,
            Some((Duration::from_millis(9), "b".to_owned()))
        );
        let names = (one.lost_name.as_deref(), one.failed_name.as_deref());
        assert_eq!(names, (Some("d"), Some("c")));
    }

    #[test]
    fn many_times_are_thinned_out_evenly() {
        let mut times = Times::default();
        let count = 5 * TIMES_MAX as u64;
        for at in 0..count {
            times.add(Duration::from_micros(at));
        }
        let kept: Vec<_> = times.iter().map(|it| it.as_micros()).collect();
        assert!((TIMES_MAX / 2..=TIMES_MAX).contains(&kept.len()));
        assert!(kept.windows(2).all(|pair| pair[1] - pair[0] == 8), "evenly");
    }
}
