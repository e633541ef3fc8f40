//! What does one lookup really cost? The C library's way through search domains, resolvers and
//! retries (glibc: `res_query.c`, `res_send.c`), played with real queries.

use std::net::{IpAddr, SocketAddr};

use netperf_core::clock;
use netperf_core::sample::dns::{
    Answer, Lookup, LookupEnd, LookupQuery, Outcome, Rcode, Reading, Transport,
};
use netperf_core::sample::name_service::NameService;

use super::ask;
use super::question::{Kind, Question};
use super::wire::Wire;

/// Looks the addresses of `name` up as programs do.
pub(crate) async fn lookup(wire: &impl Wire, service: &NameService, name: &str) -> Lookup {
    let begun = clock::now().0;
    let mut walk = Walk {
        wire,
        service,
        single: service.options.single_request || service.options.single_request_reopen,
        queries: Vec::new(),
        rounds: 0,
    };
    let end = match name.parse() {
        Ok(address) => LookupEnd::Literal(address),
        Err(_) => walk.end(name).await,
    };
    Lookup {
        end,
        queries: walk.queries,
        took: clock::now().0.since(begun).unwrap_or_default(),
    }
}

struct Walk<'w, W> {
    wire: &'w W,
    service: &'w NameService,
    /// A and AAAA one after the other.
    single: bool,
    queries: Vec<LookupQuery>,
    rounds: usize,
}

/// What came of one name.
enum Tried {
    Found(Vec<IpAddr>),
    /// There is no such name, or no address for it.
    Nothing,
    /// A resolver failed to find out (SERVFAIL), and none did better.
    ServerFailed,
    /// Nobody answered, or all refused.
    Silent,
    /// At no resolver anything listens.
    NobodyThere,
}

impl Tried {
    fn has_failed(&self) -> bool {
        matches!(self, Self::ServerFailed | Self::Silent | Self::NobodyThere)
    }
}

/// What came of one resolver.
enum Asked {
    Answers(Vec<IpAddr>),
    /// The next one is asked.
    Useless(Useless),
}

/// What all resolvers had in common that were of no use: the worst of it for the lookup comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Useless {
    NobodyThere,
    Silent,
    ServerFailed,
}

impl<W: Wire> Walk<'_, W> {
    async fn end(&mut self, name: &str) -> LookupEnd {
        let known = self.service.in_hosts(name);
        if self.service.hosts_come_first() && !known.is_empty() {
            return LookupEnd::Hosts(known);
        }
        let as_it_is = name.strip_suffix('.').unwrap_or(name);
        let names = self.service.tried_for(name);
        let is_first = names.first().is_some_and(|first| first == as_it_is);
        // glibc, `__res_context_search`: a search domain that nobody answers for ends the search, and the
        // name as it is is tried all the same.
        let (mut is_over, mut has_failed) = (false, false);
        for (place, tried) in names.into_iter().enumerate() {
            let is_bare = tried == as_it_is;
            if is_over && !is_bare {
                continue;
            }
            let result = self.tried(&tried).await;
            // If the name as it is came first, what came of it is the result of all.
            if place == 0 || !is_first {
                has_failed |= result.has_failed();
            }
            match result {
                Tried::Found(addresses) => {
                    return LookupEnd::Found {
                        name: tried,
                        addresses,
                    };
                }
                Tried::NobodyThere if !is_bare => break,
                Tried::Silent if !is_bare => is_over = true,
                Tried::Nothing | Tried::ServerFailed | Tried::Silent | Tried::NobodyThere => {}
            }
        }
        match (known.is_empty(), has_failed) {
            (false, _) => LookupEnd::Hosts(known),
            (true, true) => LookupEnd::NoAnswer,
            (true, false) => LookupEnd::NoAddress,
        }
    }

    async fn tried(&mut self, name: &str) -> Tried {
        // A search domain may make of a name what is none.
        if Question::new(name, Kind::A, false).is_err() {
            return Tried::Nothing;
        }
        let mut worst = Useless::NobodyThere;
        for _ in 0..self.service.options.attempts {
            for (place, &server) in self.service.servers.iter().enumerate() {
                match self.asked(place, server, name).await {
                    Asked::Answers(addresses) if addresses.is_empty() => return Tried::Nothing,
                    Asked::Answers(addresses) => return Tried::Found(addresses),
                    Asked::Useless(useless) => worst = worst.max(useless),
                }
            }
        }
        match worst {
            Useless::NobodyThere => Tried::NobodyThere,
            Useless::Silent => Tried::Silent,
            Useless::ServerFailed => Tried::ServerFailed,
        }
    }

    /// Asks one resolver. If only one of two questions is answered, both are asked again, one after
    /// the other; twice, and then the one answer has to do.
    async fn asked(&mut self, place: usize, server: SocketAddr, name: &str) -> Asked {
        let mut readings = Vec::new();
        for _ in 0..3 {
            readings = self.round(place, server, name).await;
            // What was cut off and is lost over TCP is not asked for again in another way.
            let is_lost = |it: &Reading| {
                it.outcome == Outcome::TimedOut && it.transport != Transport::UdpThenTcp
            };
            let lost = readings.iter().any(is_lost);
            let answered = readings.iter().any(|it| it.outcome.answer().is_some());
            if !(lost && answered) {
                break;
            }
            self.single = true;
        }
        let answers: Vec<_> = readings
            .iter()
            .filter_map(|it| it.outcome.answer())
            .collect();
        let useful: Vec<_> = answers.iter().filter(|answer| is_useful(answer)).collect();
        if useful.is_empty() {
            let has_failed = answers.iter().any(|answer| answer.rcode == Rcode::SERVFAIL);
            let is_refused = |it: &Reading| matches!(it.outcome, Outcome::Failed(_));
            return Asked::Useless(match () {
                () if has_failed => Useless::ServerFailed,
                () if readings.iter().all(is_refused) => Useless::NobodyThere,
                () => Useless::Silent,
            });
        }
        let records = useful.iter().flat_map(|answer| &answer.records);
        Asked::Answers(records.filter_map(|record| record.address).collect())
    }

    async fn round(&mut self, place: usize, server: SocketAddr, name: &str) -> Vec<Reading> {
        let options = &self.service.options;
        let kinds: &[Kind] = if options.no_aaaa {
            &[Kind::A]
        } else {
            &[Kind::A, Kind::AAAA]
        };
        let questions: Result<Vec<_>, _> = kinds
            .iter()
            .map(|&kind| Question::new(name, kind, options.edns0))
            .collect();
        // A search domain may make a name too long: the C library goes on as if there were none.
        let Ok(questions) = questions else {
            return Vec::new();
        };
        let transport = if options.use_vc {
            Transport::Tcp
        } else {
            Transport::Udp
        };
        let patience = self.service.patience(place);
        let at_once = if self.single { 1 } else { questions.len() };
        let mut readings = Vec::new();
        for together in questions.chunks(at_once) {
            let answered = ask(self.wire, server, transport, together, patience).await;
            let query = |reading: &Reading| LookupQuery {
                round: self.rounds,
                name: name.to_owned(),
                server,
                reading: reading.clone(),
            };
            self.queries.extend(answered.iter().map(query));
            self.rounds += 1;
            readings.extend(answered);
        }
        readings
    }
}

/// Whether the C library takes it for an answer and does not ask the next resolver.
fn is_useful(answer: &Answer) -> bool {
    !matches!(
        answer.rcode,
        Rcode::SERVFAIL | Rcode::NOTIMP | Rcode::REFUSED
    )
}
