//! Made-up answers: which findings are made of them?

use std::net::SocketAddr;
use std::time::Duration;

use netperf_core::clock::WallNs;
use netperf_core::sample::dns::{
    Answer, Lookup, LookupEnd, LookupQuery, Outcome, Rcode, Reading, Record, ResolverReading,
    Transport,
};
use netperf_core::sample::name_service::{NameService, ResolverOptions};

use super::*;

fn server(number: u8) -> SocketAddr {
    ([10, 0, 0, number], 53).into()
}

/// An answer to a question for A after some milliseconds; nothing of an empty value.
fn answered(ms: u64, rcode: Rcode, value: &str) -> Reading {
    let record = Record {
        kind: "A".to_owned(),
        text: value.to_owned(),
        ttl_s: 60,
        address: value.parse().ok(),
    };
    Reading {
        kind: "A".to_owned(),
        transport: Transport::Udp,
        took: Duration::from_millis(ms),
        outcome: Outcome::Answered(Answer {
            rcode,
            truncated: false,
            records: [record]
                .into_iter()
                .filter(|it| !it.text.is_empty())
                .collect(),
            recursion_available: true,
            bytes: 60,
        }),
    }
}

fn lost() -> Reading {
    Reading {
        took: Duration::from_secs(5),
        outcome: Outcome::TimedOut,
        ..answered(0, Rcode::NOERROR, "")
    }
}

fn resolver(number: u8, readings: Vec<Reading>) -> ResolverReading {
    ResolverReading {
        server: server(number),
        place: Some(usize::from(number) - 1),
        readings,
    }
}

/// What was asked of these, after a lookup of `db` that found `db.b` in the second domain.
pub(crate) fn sample(resolvers: Vec<ResolverReading>) -> DnsSample {
    let query = |name: &str, rcode, value| LookupQuery {
        round: 0,
        name: name.to_owned(),
        server: server(1),
        reading: answered(2, rcode, value),
    };
    DnsSample {
        wall: WallNs(1_795_340_460_000_000_000),
        name: "db".to_owned(),
        service: NameService {
            servers: resolvers.iter().map(|it| it.server).collect(),
            search: vec!["a".to_owned(), "b".to_owned()],
            options: ResolverOptions::default(),
            sources: vec!["files".to_owned(), "dns".to_owned()],
            hosts: Vec::new(),
        },
        lookup: Some(Lookup {
            end: LookupEnd::Found {
                name: "db.b".to_owned(),
                addresses: vec![[192, 0, 2, 1].into()],
            },
            queries: vec![
                query("db.a", Rcode::NXDOMAIN, ""),
                query("db.b", Rcode::NOERROR, "192.0.2.1"),
            ],
            took: Duration::from_millis(4),
        }),
        asked: "db.b".to_owned(),
        resolvers,
    }
}

/// One resolver that is slow and loses queries, one that is fast and says something else.
pub(crate) fn troubled() -> DnsSample {
    let slow = answered(250, Rcode::NOERROR, "192.0.2.1");
    let fast = answered(3, Rcode::NOERROR, "192.0.2.2");
    sample(vec![
        resolver(1, vec![slow.clone(), lost(), slow]),
        resolver(2, vec![fast.clone(), fast]),
    ])
}

fn found(sample: &DnsSample) -> Vec<(Level, String)> {
    let findings = DnsTick::new(sample).findings.into_iter();
    findings.map(|it| (it.level, it.what)).collect()
}

fn has(sample: &DnsSample, level: Level, part: &str) {
    let found = found(sample);
    let fits = |(its, what): &(Level, String)| *its == level && what.contains(part);
    assert!(found.iter().any(fits), "{found:#?}");
}

#[test]
fn slow_lossy_and_differing_resolvers_are_found() {
    let sample = troubled();
    has(&sample, Level::Warn, "10.0.0.1:53 is slow");
    has(
        &sample,
        Level::Warn,
        "10.0.0.1:53 leaves queries unanswered",
    );
    has(&sample, Level::Ok, "answer differently");
    has(&sample, Level::Warn, "one lookup costs 2 queries");
    assert!(DnsTick::new(&sample).failure().is_none());
}

#[test]
fn what_a_resolver_denies_and_another_one_has_is_worse_than_different_addresses() {
    let sample = sample(vec![
        resolver(1, vec![answered(1, Rcode::NXDOMAIN, "")]),
        resolver(2, vec![answered(1, Rcode::NOERROR, "192.0.2.1")]),
    ]);
    has(&sample, Level::Warn, "answer differently");
}

#[test]
fn failures_are_critical_where_nothing_works_and_a_warning_where_something_does() {
    let fails = || answered(1, Rcode::SERVFAIL, "");
    let fine = || answered(1, Rcode::NOERROR, "192.0.2.1");
    let never = sample(vec![resolver(1, vec![fails(), fails()])]);
    has(&never, Level::Critical, "fails: SERVFAIL");
    let sometimes = sample(vec![resolver(1, vec![fails(), fine()])]);
    has(&sometimes, Level::Warn, "fails: SERVFAIL");
    let silent = sample(vec![
        resolver(1, vec![lost(), lost()]),
        resolver(2, vec![fine()]),
    ]);
    has(&silent, Level::Critical, "10.0.0.1:53 does not answer");
    assert!(DnsTick::new(&silent).failure().is_some());
}

#[test]
fn a_name_that_nobody_knows_is_told_apart_from_one_without_such_a_record() {
    let without = |rcode| DnsSample {
        lookup: None,
        ..sample(vec![resolver(1, vec![answered(1, rcode, "")])])
    };
    has(
        &without(Rcode::NXDOMAIN),
        Level::Critical,
        "there is no name db.b",
    );
    has(
        &without(Rcode::NOERROR),
        Level::Critical,
        "no record of type A",
    );
}

#[test]
fn where_all_is_well_that_is_said() {
    let fine = DnsSample {
        lookup: None,
        ..sample(vec![resolver(
            1,
            vec![answered(1, Rcode::NOERROR, "192.0.2.1")],
        )])
    };
    assert_eq!(found(&fine), [(Level::Ok, "no trouble found".to_owned())]);
}

#[test]
fn figures_are_those_of_the_answers_only() {
    let tick = DnsTick::new(&troubled());
    let row = &tick.resolvers[0].types[0];
    assert_eq!((row.sent, row.answered, row.timeouts), (3, 2, 1));
    assert_eq!(row.time.unwrap().max_us, 250_000);
    assert_eq!(row.waited_us, Some(5_000_000));
    assert_eq!(row.results["NOERROR"], 2);
}
