//! Made-up answers: which findings are made of them?

use netperf_core::fixtures::dns::{answered, lost, resolver, sample, troubled};
use netperf_core::sample::dns::Rcode;

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
