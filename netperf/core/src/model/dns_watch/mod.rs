//! Which answer belongs to which question, which questions stay without one, and how long do
//! processes wait?

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::MonoNs;
use crate::sample::dns::Rcode;
use crate::sample::dns_watch::{DnsPacket, DnsPacketKind};
use crate::sample::{Process, ProcessId, Proto};

/// Questions that are asked together, as of several resolvers at once, are no retries.
const TOGETHER: Duration = Duration::from_millis(100);

/// Most questions that are waited for at a time.
const OPEN_MAX: usize = 65_536;

/// A question and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct DnsQuery {
    /// When it was first sent.
    pub at: MonoNs,
    /// The process that sent the query.
    pub process: Arc<Process>,
    /// The name. Untrusted text.
    pub name: String,
    /// Type of record.
    pub kind: String,
    /// Inode number of the network namespace it was sent in.
    pub netns: Option<u32>,
    /// The resolver.
    pub resolver: SocketAddr,
    /// Transport of the query.
    pub proto: Proto,
    /// How many unanswered queries for the same the process had sent before.
    pub retries: u32,
    /// The process no longer waits for this one: another resolver, queried at the same time, has answered, or the
    /// question was sent again over TCP since an answer over UDP was truncated.
    pub is_settled: bool,
    /// How the query ended.
    pub end: QueryEnd,
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryEnd {
    /// The resolver answered.
    Answered {
        /// Result code.
        rcode: Rcode,
        /// The answer was too long for a datagram.
        truncated: bool,
        /// From the question to the answer.
        took: Duration,
    },
    /// No answer in time.
    TimedOut,
}

/// What makes questions the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    socket: u64,
    local_port: u16,
    resolver: SocketAddr,
    number: u16,
    name: String,
    kind: String,
}

/// Questions for one name from one socket to one resolver.
type Place = (u64, u16, SocketAddr, String);

fn place(key: &Key) -> Place {
    (key.socket, key.local_port, key.resolver, key.name.clone())
}

#[derive(Clone, Debug)]
struct Open {
    at: MonoNs,
    process: Arc<Process>,
    netns: Option<u32>,
    proto: Proto,
    retries: u32,
    is_settled: bool,
}

/// All questions under way, and the queries that ended in this tick by process.
#[derive(Debug)]
pub struct DnsWatch {
    patience: Duration,
    open: HashMap<Key, Open>,
    /// Where an answer over UDP was cut off, and when: such a socket may be closed by now.
    cut: HashMap<Place, MonoNs>,
    tallies: BTreeMap<ProcessId, QueryTally>,
    unmatched: u64,
}

/// Queries of one process that ended in a tick.
#[derive(Clone, Debug)]
pub struct QueryTally {
    /// The process.
    pub process: Arc<Process>,
    /// Questions that ended, one way or the other.
    pub queries: u64,
    /// Queries without an answer.
    pub timeouts: u64,
    /// Answered that there is no such name.
    pub no_name: u64,
    /// Answered with an error of the resolver.
    pub failures: u64,
    /// Queries that repeated an unanswered one.
    pub retries: u64,
    /// How long the answers took.
    pub times: Vec<Duration>,
}

impl DnsWatch {
    /// An answer counts if it comes within `patience`.
    pub fn new(patience: Duration) -> Self {
        Self {
            patience,
            open: HashMap::new(),
            cut: HashMap::new(),
            tallies: BTreeMap::new(),
            unmatched: 0,
        }
    }

    /// Takes a packet; the query that it ends, if it ends one.
    pub fn take(&mut self, packet: &DnsPacket) -> Option<DnsQuery> {
        let key = Key {
            socket: packet.socket,
            local_port: packet.local_port,
            resolver: packet.resolver,
            number: packet.number,
            // Some clients play with upper and lower case, and resolvers repeat that.
            name: packet.name.to_ascii_lowercase(),
            kind: packet.kind.clone(),
        };
        match &packet.what {
            DnsPacketKind::Question(process) => {
                self.ask(key, packet, process);
                None
            }
            &DnsPacketKind::Answer { rcode, truncated } => {
                // Also where its question was not seen: that of the other type may have been.
                if truncated && packet.proto == Proto::Udp && self.cut.len() < OPEN_MAX {
                    self.cut.insert(place(&key), packet.at);
                }
                let Some(open) = self.open.remove(&key) else {
                    self.unmatched += 1;
                    return None;
                };
                self.settle(&key, &open);
                let took = packet.at.since(open.at).unwrap_or_default();
                let end = QueryEnd::Answered {
                    rcode,
                    truncated,
                    took,
                };
                Some(self.end(key, open, end))
            }
        }
    }

    fn ask(&mut self, key: Key, packet: &DnsPacket, process: &Arc<Process>) {
        if let Some(open) = self.open.get_mut(&key) {
            open.retries += 1;
            return;
        }
        if self.open.len() >= OPEN_MAX {
            self.unmatched += 1;
            return;
        }
        if packet.proto == Proto::Tcp {
            self.settle_over_tcp(&key, process);
        }
        let same = |(other, open): &(&Key, &Open)| {
            let waited = packet.at.since(open.at).unwrap_or_default();
            open.process.id == process.id
                && !open.is_settled
                && (&other.name, &other.kind) == (&key.name, &key.kind)
                && waited >= TOGETHER
        };
        let before = self.open.iter().filter(same);
        let retries = u32::try_from(before.count()).unwrap_or(u32::MAX);
        let open = Open {
            at: packet.at,
            process: Arc::clone(process),
            netns: packet.netns,
            proto: packet.proto,
            retries,
            is_settled: false,
        };
        self.open.insert(key, open);
    }

    /// Some clients ask all resolvers at once, and close their socket at the first answer.
    fn settle(&mut self, key: &Key, answered: &Open) {
        for (other, open) in &mut self.open {
            let apart = open.at.since(answered.at).or(answered.at.since(open.at));
            let is_same = open.process.id == answered.process.id
                && (&other.name, &other.kind) == (&key.name, &key.kind)
                && other.resolver != key.resolver;
            open.is_settled |= is_same && apart.unwrap_or_default() < TOGETHER;
        }
    }

    /// The C library asks for A and AAAA from one socket. If one answer is cut off, it closes that and asks
    /// both again over TCP: the other answer finds nobody.
    fn settle_over_tcp(&mut self, key: &Key, process: &Process) {
        for (other, open) in &mut self.open {
            open.is_settled |= open.process.id == process.id
                && other.resolver == key.resolver
                && (&other.name, &other.kind) == (&key.name, &key.kind)
                && self.cut.contains_key(&place(other));
        }
    }

    /// The queries that have waited too long by now, in their order.
    pub fn expire(&mut self, now: MonoNs) -> Vec<DnsQuery> {
        self.give_up(now, self.patience)
    }

    /// Removes the queries that have waited for `patience`, in order: their process no longer waits.
    pub fn give_up(&mut self, now: MonoNs, patience: Duration) -> Vec<DnsQuery> {
        let is_late =
            |_: &Key, open: &mut Open| now.since(open.at).is_some_and(|it| it >= patience);
        let late: Vec<_> = self.open.extract_if(is_late).collect();
        let is_recent = |at: MonoNs| now.since(at).is_some_and(|it| it < self.patience);
        self.cut.retain(|_, at| is_recent(*at));
        let ended = late
            .into_iter()
            .map(|(key, open)| self.end(key, open, QueryEnd::TimedOut));
        let mut ended: Vec<_> = ended.collect();
        ended.sort_by_key(|query| query.at);
        ended
    }

    /// What ended since the last call, by process, and answers to questions that were not seen or not
    /// waited for any more.
    pub fn end_tick(&mut self) -> (Vec<QueryTally>, u64) {
        let tallies = std::mem::take(&mut self.tallies);
        (
            tallies.into_values().collect(),
            std::mem::take(&mut self.unmatched),
        )
    }

    fn end(&mut self, key: Key, open: Open, end: QueryEnd) -> DnsQuery {
        if !(open.is_settled && end == QueryEnd::TimedOut) {
            self.count(&open, end);
        }
        DnsQuery {
            at: open.at,
            process: open.process,
            name: key.name,
            kind: key.kind,
            netns: open.netns,
            resolver: key.resolver,
            proto: open.proto,
            retries: open.retries,
            is_settled: open.is_settled,
            end,
        }
    }

    fn count(&mut self, open: &Open, end: QueryEnd) {
        let tally = self
            .tallies
            .entry(open.process.id)
            .or_insert_with(|| QueryTally {
                process: Arc::clone(&open.process),
                queries: 0,
                timeouts: 0,
                no_name: 0,
                failures: 0,
                retries: 0,
                times: Vec::new(),
            });
        tally.queries += 1;
        tally.retries += u64::from(open.retries);
        match end {
            QueryEnd::Answered { rcode, took, .. } => {
                tally.times.push(took);
                match rcode {
                    Rcode::NOERROR => {}
                    Rcode::NXDOMAIN => tally.no_name += 1,
                    _ => tally.failures += 1,
                }
            }
            QueryEnd::TimedOut => tally.timeouts += 1,
        }
    }
}
