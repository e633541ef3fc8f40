//! Made-up answers: which findings are made of them?

use netperf_core::fixtures::dns::{answered, lost, resolver, sample, troubled};
use std::time::Duration;

use netperf_core::sample::dns::{LookupQuery, Outcome, Rcode, Reading, Transport};
use netperf_core::sample::name_service::{UnreadLine, UnreadWhy};

use super::*;

fn found(sample: &DnsSample) -> Vec<(Level, String)> {
    let findings = findings(&DnsFigures::new(sample), sample).into_iter();
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
    assert!(
        found(&sample)
            .iter()
            .all(|(level, _)| *level != Level::Critical)
    );
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
    let figures = DnsFigures::new(&troubled());
    let row = &figures.resolvers[0].types[0];
    assert_eq!((row.sent, row.answered, row.timeouts), (3, 2, 1));
    assert_eq!(row.time.unwrap().max_us, 250_000);
    assert_eq!(row.waited_us, Some(5_000_000));
    assert_eq!(row.results["NOERROR"], 2);
}

/// The same for another type.
fn aaaa(reading: Reading) -> Reading {
    Reading {
        kind: "AAAA".to_owned(),
        ..reading
    }
}

/// Cut off over UDP, and this came of it over TCP.
fn cut_off(outcome: Outcome) -> Reading {
    Reading {
        transport: Transport::UdpThenTcp,
        outcome,
        ..lost()
    }
}

fn text(sample: &DnsSample) -> String {
    let findings = findings(&DnsFigures::new(sample), sample).into_iter();
    let each = findings.map(|it| format!("{} {} {}", it.what, it.evidence, it.advice.join(" ")));
    each.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_name_that_is_denied_for_one_type_only_is_a_fault_of_the_resolver() {
    let fine = answered(1, Rcode::NOERROR, "192.0.2.1");
    let denied = sample(vec![resolver(
        1,
        vec![fine.clone(), aaaa(answered(1, Rcode::NXDOMAIN, ""))],
    )]);
    has(
        &denied,
        Level::Warn,
        "denies that there is a name db.b when asked for AAAA",
    );
    assert!(
        text(&denied).contains("NXDOMAIN for 1 of 1 queries for AAAA"),
        "{}",
        text(&denied)
    );
    let right = sample(vec![resolver(
        1,
        vec![fine, aaaa(answered(1, Rcode::NOERROR, ""))],
    )]);
    assert!(!text(&right).contains("denies"), "{}", text(&right));
    let nobody = answered(1, Rcode::NXDOMAIN, "");
    let unknown = sample(vec![resolver(1, vec![nobody.clone(), aaaa(nobody)])]);
    assert!(!text(&unknown).contains("denies"), "{}", text(&unknown));
}

#[test]
fn where_tcp_fails_behind_a_cut_off_answer_that_is_said_and_the_resolver_is_not_blamed() {
    for outcome in [Outcome::TimedOut, Outcome::Failed("refused".to_owned())] {
        let sample = sample(vec![resolver(
            1,
            vec![cut_off(outcome.clone()), cut_off(outcome)],
        )]);
        has(
            &sample,
            Level::Critical,
            "TCP to resolver 10.0.0.1:53 fails",
        );
        let text = text(&sample);
        assert!(
            text.contains("2 of 2 answers were truncated; 2 of these did not come"),
            "{text}"
        );
        for wrong in [
            "does not answer",
            "out of /etc/resolv.conf",
            "leaves queries",
            "of 0 answers",
        ] {
            assert!(!text.contains(wrong), "{text}");
        }
    }
    let one_type = sample(vec![resolver(
        1,
        vec![
            answered(1, Rcode::NOERROR, "192.0.2.1"),
            aaaa(cut_off(Outcome::TimedOut)),
        ],
    )]);
    has(&one_type, Level::Warn, "TCP to resolver 10.0.0.1:53 fails");
    assert!(
        !text(&one_type).contains("single-request-reopen"),
        "{}",
        text(&one_type)
    );
}

#[test]
fn lines_that_programs_do_not_read_are_told() {
    let mut sample = sample(vec![resolver(
        1,
        vec![answered(1, Rcode::NOERROR, "192.0.2.1")],
    )]);
    let line = |number, text: &str, why| UnreadLine {
        number,
        text: text.to_owned(),
        why,
    };
    sample.service.unread = vec![
        line(2, "nameserver 10.0.0.9", UnreadWhy::Indented),
        line(5, "nameserver 10.0.0.4", UnreadWhy::FourthServer),
    ];
    has(
        &sample,
        Level::Warn,
        "do not read a line of /etc/resolv.conf",
    );
    has(
        &sample,
        Level::Warn,
        "never ask the resolvers behind the third",
    );
    assert!(
        text(&sample).contains("line 5: `nameserver 10.0.0.4`"),
        "{}",
        text(&sample)
    );
}

#[test]
fn a_search_domain_that_nobody_answers_for_is_named_with_its_cost() {
    let mut sample = sample(vec![resolver(
        1,
        vec![answered(1, Rcode::NOERROR, "192.0.2.1")],
    )]);
    let lookup = sample.lookup.as_mut().unwrap();
    let silent = |round, kind: Reading| LookupQuery {
        round,
        name: "db.a".to_owned(),
        reading: Reading {
            took: Duration::from_secs(1),
            ..kind
        },
        ..lookup.queries[0].clone()
    };
    let silent = [
        silent(0, lost()),
        silent(0, aaaa(lost())),
        silent(1, lost()),
    ];
    lookup.queries.splice(..1, silent);
    has(
        &sample,
        Level::Warn,
        "no resolver answers for the search domain a,",
    );
    assert!(
        text(&sample).contains("in vain for 2 s"),
        "{}",
        text(&sample)
    );
}
