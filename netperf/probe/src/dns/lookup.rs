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

/// Looks the addresses of `name` up as programs do. A name that no resolver answers for is not
/// tried with further search domains.
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
    /// All resolvers failed to find out.
    ServerFailed,
    /// Nobody answered.
    Silent,
}

/// What came of one resolver.
enum Asked {
    Answers(Vec<IpAddr>),
    /// The next one is asked.
    Useless {
        failed: bool,
    },
}

impl<W: Wire> Walk<'_, W> {
    async fn end(&mut self, name: &str) -> LookupEnd {
        let known = self.service.in_hosts(name);
        if self.service.hosts_come_first() && !known.is_empty() {
            return LookupEnd::Hosts(known);
        }
        let mut has_failed = false;
        for tried in self.service.tried_for(name) {
            match self.tried(&tried).await {
                Tried::Found(addresses) => {
                    return LookupEnd::Found {
                        name: tried,
                        addresses,
                    };
                }
                Tried::Nothing => {}
                Tried::ServerFailed => has_failed = true,
                Tried::Silent => {
                    has_failed = true;
                    break;
                }
            }
        }
        match (known.is_empty(), has_failed) {
            (false, _) => LookupEnd::Hosts(known),
            (true, true) => LookupEnd::NoAnswer,
            (true, false) => LookupEnd::NoAddress,
        }
    }

    async fn tried(&mut self, name: &str) -> Tried {
        let mut server_failed = false;
        for _ in 0..self.service.options.attempts {
            for (place, &server) in self.service.servers.iter().enumerate() {
                match self.asked(place, server, name).await {
                    Asked::Answers(addresses) if addresses.is_empty() => return Tried::Nothing,
                    Asked::Answers(addresses) => return Tried::Found(addresses),
                    Asked::Useless { failed } => server_failed = failed,
                }
            }
        }
        if server_failed {
            Tried::ServerFailed
        } else {
            Tried::Silent
        }
    }

    /// Asks one resolver. If only one of two questions is answered, both are asked again, one after
    /// the other; twice, and then the one answer has to do.
    async fn asked(&mut self, place: usize, server: SocketAddr, name: &str) -> Asked {
        let mut readings = Vec::new();
        for _ in 0..3 {
            readings = self.round(place, server, name).await;
            let lost = readings.iter().any(|it| it.outcome == Outcome::TimedOut);
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
            return Asked::Useless {
                failed: !answers.is_empty(),
            };
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
