//! A wire that plays servers: which queries does a lookup send?

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;

use netperf_core::sample::dns::{Answer, Rcode, Record};
use netperf_core::sample::name_service::ResolverOptions;

use super::*;

/// What servers say, by the last byte of their address, name and type; silence for all else.
#[derive(Default)]
struct Played {
    answers: HashMap<(u8, &'static str, &'static str), Answer>,
    asked: RefCell<Vec<String>>,
    /// Of several questions only the first is answered.
    takes_one: bool,
}

fn answer(rcode: Rcode, addresses: &[[u8; 4]]) -> Answer {
    let record = |&address: &[u8; 4]| Record {
        kind: "A".to_owned(),
        text: IpAddr::from(address).to_string(),
        ttl_s: 60,
        address: Some(IpAddr::from(address)),
    };
    Answer {
        rcode,
        truncated: false,
        records: addresses.iter().map(record).collect(),
        recursion_available: true,
        bytes: 100,
    }
}

impl Played {
    fn says(mut self, server: u8, name: &'static str, kind: &'static str, it: Answer) -> Self {
        self.answers.insert((server, name, kind), it);
        self
    }

    /// Both types.
    fn says_both(self, server: u8, name: &'static str, rcode: Rcode, found: &[[u8; 4]]) -> Self {
        self.says(server, name, "A", answer(rcode, found)).says(
            server,
            name,
            "AAAA",
            answer(rcode, &[]),
        )
    }

    fn asked(&self) -> Vec<String> {
        self.asked.borrow().clone()
    }
}

impl Wire for Played {
    async fn exchange(
        &self,
        server: SocketAddr,
        transport: Transport,
        questions: &[Question],
        patience: Duration,
    ) -> Vec<Reading> {
        let IpAddr::V4(address) = server.ip() else {
            return Vec::new();
        };
        let number = address.octets()[3];
        let kinds: Vec<_> = questions.iter().map(|it| it.kind().to_string()).collect();
        let name = questions[0].name_text();
        let over = match transport {
            Transport::Tcp => " tcp",
            Transport::Udp | Transport::UdpThenTcp => "",
        };
        let line = format!("{number} {name} {}{over}", kinds.join("+"));
        self.asked.borrow_mut().push(line);
        let reading = |(at, kind): (usize, String)| {
            let known = |(key, _): &(&(u8, &str, &str), &Answer)| {
                (key.0, key.1, key.2) == (number, name.as_str(), kind.as_str())
            };
            let found = self.answers.iter().find(known).map(|(_, answer)| answer);
            let found = found.filter(|_| at == 0 || !self.takes_one).cloned();
            let whole = found.map(|answer| Answer {
                truncated: answer.truncated && transport != Transport::Tcp,
                ..answer
            });
            Reading {
                kind,
                transport,
                took: if whole.is_some() {
                    Duration::from_millis(1)
                } else {
                    patience
                },
                outcome: whole.map_or(Outcome::TimedOut, Outcome::Answered),
            }
        };
        kinds.into_iter().enumerate().map(reading).collect()
    }
}

fn service(servers: u8, search: &[&str], options: ResolverOptions) -> NameService {
    NameService {
        servers: (1..=servers)
            .map(|it| ([10, 0, 0, it], 53).into())
            .collect(),
        search: search.iter().map(|&it| it.to_owned()).collect(),
        options,
        sources: vec!["files".to_owned(), "dns".to_owned()],
        hosts: vec![([10, 9, 9, 9].into(), vec!["fixed".to_owned()])],
        unread: Vec::new(),
    }
}

async fn looked_up(wire: &Played, service: &NameService, name: &str) -> LookupEnd {
    lookup(wire, service, name).await.end
}

const FOUND: [u8; 4] = [192, 0, 2, 1];

fn found(name: &str) -> LookupEnd {
    LookupEnd::Found {
        name: name.to_owned(),
        addresses: vec![FOUND.into()],
    }
}

#[tokio::test]
async fn a_name_in_the_hosts_file_costs_no_query() {
    let wire = Played::default();
    let service = service(1, &[], ResolverOptions::default());
    let end = looked_up(&wire, &service, "fixed").await;
    assert_eq!(end, LookupEnd::Hosts(vec![[10, 9, 9, 9].into()]));
    assert!(wire.asked().is_empty());
}

#[tokio::test]
async fn search_domains_cost_queries_until_one_fits() {
    let wire = Played::default()
        .says_both(1, "db.a", Rcode::NXDOMAIN, &[])
        .says_both(1, "db.b", Rcode::NOERROR, &[FOUND]);
    let service = service(1, &["a", "b"], ResolverOptions::default());
    assert_eq!(looked_up(&wire, &service, "db").await, found("db.b"));
    assert_eq!(wire.asked(), ["1 db.a A+AAAA", "1 db.b A+AAAA"]);
}

#[tokio::test]
async fn a_silent_resolver_is_followed_by_the_next() {
    let wire = Played::default().says_both(2, "x.y", Rcode::NOERROR, &[FOUND]);
    let service = service(2, &[], ResolverOptions::default());
    assert_eq!(looked_up(&wire, &service, "x.y").await, found("x.y"));
    assert_eq!(wire.asked(), ["1 x.y A+AAAA", "2 x.y A+AAAA"]);
}

#[tokio::test]
async fn where_nobody_answers_every_resolver_is_asked_as_often_as_configured() {
    let wire = Played::default();
    let service = service(2, &["a"], ResolverOptions::default());
    assert_eq!(looked_up(&wire, &service, "x.y").await, LookupEnd::NoAnswer);
    assert_eq!(
        wire.asked(),
        [
            "1 x.y A+AAAA",
            "2 x.y A+AAAA",
            "1 x.y A+AAAA",
            "2 x.y A+AAAA",
            "1 x.y.a A+AAAA",
            "2 x.y.a A+AAAA",
            "1 x.y.a A+AAAA",
            "2 x.y.a A+AAAA"
        ]
    );
}

/// As glibc 2.41 asks for these, played by hand with `getent ahosts`.
#[tokio::test]
async fn a_search_domain_that_is_silent_or_refused_ends_the_search_and_the_name_itself_is_tried() {
    let options = ResolverOptions {
        ndots: 5,
        attempts: 1,
        ..ResolverOptions::default()
    };
    let service = service(1, &["a", "b"], options);
    let itself = || Played::default().says_both(1, "x.y", Rcode::NOERROR, &[FOUND]);
    let silent = itself();
    assert_eq!(looked_up(&silent, &service, "x.y").await, found("x.y"));
    assert_eq!(silent.asked(), ["1 x.y.a A+AAAA", "1 x.y A+AAAA"]);
    let refused = itself().says_both(1, "x.y.a", Rcode::REFUSED, &[]);
    assert_eq!(looked_up(&refused, &service, "x.y").await, found("x.y"));
    assert_eq!(refused.asked(), ["1 x.y.a A+AAAA", "1 x.y A+AAAA"]);
    let failed = itself().says_both(1, "x.y.a", Rcode::SERVFAIL, &[]);
    let failed = failed.says_both(1, "x.y.b", Rcode::SERVFAIL, &[]);
    assert_eq!(looked_up(&failed, &service, "x.y").await, found("x.y"));
    assert_eq!(
        failed.asked(),
        ["1 x.y.a A+AAAA", "1 x.y.b A+AAAA", "1 x.y A+AAAA"]
    );
}

#[tokio::test]
async fn what_came_of_the_name_itself_is_the_result_where_it_came_first() {
    let wire = Played::default().says_both(1, "x.y", Rcode::NXDOMAIN, &[]);
    let service = service(1, &["a"], ResolverOptions::default());
    let end = looked_up(&wire, &service, "x.y").await;
    assert_eq!(end, LookupEnd::NoAddress);
}

#[tokio::test]
async fn a_search_domain_that_makes_no_name_costs_nothing() {
    let wire = Played::default().says_both(1, "x.y", Rcode::NOERROR, &[FOUND]);
    let long = "b".repeat(70);
    let options = ResolverOptions {
        ndots: 5,
        ..ResolverOptions::default()
    };
    let service = service(1, &[&long], options);
    assert_eq!(looked_up(&wire, &service, "x.y").await, found("x.y"));
    assert_eq!(wire.asked(), ["1 x.y A+AAAA"]);
}

#[tokio::test]
async fn a_resolver_that_fails_is_not_believed() {
    let wire = Played::default()
        .says_both(1, "x.y", Rcode::SERVFAIL, &[])
        .says_both(2, "x.y", Rcode::NOERROR, &[FOUND]);
    let both = service(2, &[], ResolverOptions::default());
    assert_eq!(looked_up(&wire, &both, "x.y").await, found("x.y"));
    let one = service(1, &[], ResolverOptions::default());
    assert_eq!(looked_up(&wire, &one, "x.y").await, LookupEnd::NoAnswer);
}

#[tokio::test]
async fn no_such_name_is_an_answer_of_its_own() {
    let wire = Played::default().says_both(1, "x.y", Rcode::NXDOMAIN, &[]);
    let service = service(2, &[], ResolverOptions::default());
    assert_eq!(
        looked_up(&wire, &service, "x.y").await,
        LookupEnd::NoAddress
    );
    assert_eq!(wire.asked(), ["1 x.y A+AAAA"]);
}

#[tokio::test]
async fn a_server_that_takes_one_question_at_a_time_costs_a_timeout() {
    let wire = Played {
        takes_one: true,
        ..Played::default().says_both(1, "x.y", Rcode::NOERROR, &[FOUND])
    };
    let default = service(1, &[], ResolverOptions::default());
    assert_eq!(looked_up(&wire, &default, "x.y").await, found("x.y"));
    assert_eq!(wire.asked(), ["1 x.y A+AAAA", "1 x.y A", "1 x.y AAAA"]);
    wire.asked.borrow_mut().clear();
    let single = ResolverOptions {
        single_request: true,
        ..ResolverOptions::default()
    };
    looked_up(&wire, &service(1, &[], single), "x.y").await;
    assert_eq!(wire.asked(), ["1 x.y A", "1 x.y AAAA"]);
}

#[tokio::test]
async fn what_was_cut_off_is_asked_again_over_tcp() {
    let cut = Answer {
        truncated: true,
        ..answer(Rcode::NOERROR, &[FOUND])
    };
    let wire = Played::default().says(1, "x.y", "A", cut);
    let question = [Question::new("x.y", Kind::A, false).unwrap()];
    let server = ([10, 0, 0, 1], 53).into();
    let readings = ask(
        &wire,
        server,
        Transport::Udp,
        &question,
        Duration::from_secs(1),
    )
    .await;
    assert_eq!(wire.asked(), ["1 x.y A", "1 x.y A tcp"]);
    assert_eq!(readings[0].transport, Transport::UdpThenTcp);
    assert_eq!(readings[0].took, Duration::from_millis(2));
    assert!(!readings[0].outcome.answer().unwrap().truncated);
}

#[tokio::test]
async fn a_resolver_that_is_silent_from_the_start_is_given_up() {
    let wire = Played::default();
    let request = DnsRequest {
        name: "x.y".to_owned(),
        kind: None,
        servers: Vec::new(),
        only: false,
        count: 50,
        tcp: false,
        patience: None,
    };
    let service = service(1, &[], ResolverOptions::default());
    let what = (service.servers[0], "x.y", &[Kind::A][..]);
    let readings = each(&wire, &request, &service, what).await;
    assert_eq!(readings.len(), 3);
}

#[test]
fn an_address_is_asked_for_in_reverse() {
    assert_eq!(
        reverse_name([192, 0, 2, 1].into()),
        "1.2.0.192.in-addr.arpa"
    );
}
