mod blame;

use std::iter::repeat_n;

use netperf_core::model::path::fixtures::model;

use super::*;

/// What is found after these cycles, each so many times; `what` and evidence.
fn found(cycles: &[(&str, usize)]) -> Vec<(Level, String)> {
    let all = cycles
        .iter()
        .flat_map(|&(cycle, times)| repeat_n(cycle, times));
    let findings = findings(&model(all), None);
    findings
        .into_iter()
        .map(|it| (it.level, format!("{}; {}", it.what, it.evidence)))
        .collect()
}

fn says(found: &[(Level, String)], level: Level, words: &[&str]) {
    let fits = |(its, text): &(Level, String)| {
        *its == level && words.iter().all(|word| text.contains(word))
    };
    assert!(found.iter().any(fits), "{words:?}: {found:#?}");
}

#[test]
fn a_clean_way_has_no_trouble_and_nothing_else() {
    let found = found(&[("r1 500, r2 700, ! 900", 10)]);
    assert_eq!(found.len(), 1, "{found:?}");
    says(&found, Level::Ok, &["no trouble", "10 of 10"]);
}

#[test]
fn a_router_that_never_answers_is_no_loss() {
    let found = found(&[("r1 500, -, ! 900", 10)]);
    says(
        &found,
        Level::Ok,
        &[
            "hop 2 does not answer probes: that is not loss",
            "10 probes passed it",
        ],
    );
    says(&found, Level::Ok, &["no trouble"]);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_router_that_answers_now_and_then_is_no_loss() {
    let found = found(&[("r1 500, -, ! 900", 6), ("r1 500, r2 600, ! 900", 4)]);
    says(
        &found,
        Level::Ok,
        &[
            "hop 2 answers only some",
            "(10.0.2.1) leaves out 60 %",
            "0 % are lost",
        ],
    );
    assert!(
        found.iter().all(|(level, _)| *level == Level::Ok),
        "{found:?}"
    );
}

#[test]
fn loss_that_lasts_is_named_with_the_link_on_which_it_begins() {
    let found = found(&[
        ("r1 500, r2 600, r3 700, ! 900", 92),
        ("r1 500, r2 600, -, -", 5),
        ("r1 500, r2 600, r3 700, -", 1),
        ("r1 500, r2 600, -, ! 900", 2),
    ]);
    says(
        &found,
        Level::Warn,
        &[
            "6 % of the packets are lost: it begins between hop 2 (10.0.2.1) and hop 3 (10.0.3.1) and lasts",
            "hop 2 (10.0.2.1) lost 0 of 100, hop 3 (10.0.3.1) lost 7 of 100, the destination (192.0.2.1) lost 6 of 100",
        ],
    );
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_rate_limit_in_front_of_real_loss_is_not_taken_for_its_begin() {
    let found = found(&[
        ("r1 500, -, r3 700, ! 900", 50),
        ("r1 500, r2 600, r3 700, ! 900", 40),
        ("r1 500, r2 600, -, -", 10),
    ]);
    says(
        &found,
        Level::Warn,
        &["between hop 1 (10.0.1.1) and hop 3 (10.0.3.1) and lasts"],
    );
    says(&found, Level::Ok, &["hop 2 answers only some"]);
}

#[test]
fn loss_on_the_first_link_and_at_the_destination_is_told_as_such() {
    let first = found(&[("r1 500, ! 900", 5), ("-, -", 5)]);
    says(
        &first,
        Level::Critical,
        &["50 % of", "between this machine and hop 1"],
    );
    let last = found(&[("r1 500, ! 900", 9), ("r1 500, -", 1)]);
    says(
        &last,
        Level::Warn,
        &[
            "10 % of",
            "between hop 1 (10.0.1.1) and the destination (192.0.2.1), the last stop",
        ],
    );
}

#[test]
fn chance_does_not_move_the_link_that_loses() {
    // Each hop behind the link loses 3 to 8 of 100.
    let found = found(&[
        ("r1 500, r2 600, r3 700, r4 800, ! 900", 83),
        ("r1 500, r2 600, -, r4 800, ! 900", 3),
        ("r1 500, r2 600, r3 700, -, ! 900", 6),
        ("r1 500, r2 600, r3 700, r4 800, -", 8),
    ]);
    says(
        &found,
        Level::Warn,
        &[
            "8 % of the",
            "between hop 2 (10.0.2.1) and hop 3 (10.0.3.1) and lasts",
        ],
    );
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_delay_that_lasts_is_named_with_its_link_and_one_that_does_not_is_none() {
    let lasting = found(&[("r1 500, r2 30500, r3 31000, ! 30900", 10)]);
    says(
        &lasting,
        Level::Ok,
        &[
            "30.0 ms are added between hop 1 (10.0.1.1) and hop 2",
            "long or slow link",
        ],
    );
    let own = found(&[("r1 500, r2 90000, r3 900, ! 1000", 10)]);
    says(
        &own,
        Level::Ok,
        &[
            "hop 2 is slow to answer probes: what passes is not delayed",
            "90.0 ms",
        ],
    );
    assert!(
        !own.iter().any(|(_, text)| text.contains("added")),
        "{own:?}"
    );
}

#[test]
fn a_queue_that_is_mostly_full_is_told_from_a_long_link() {
    let full = found(&[
        ("r1 500, r2 700, ! 900", 2),
        ("r1 500, r2 80000, ! 81000", 8),
    ]);
    says(
        &full,
        Level::Warn,
        &[
            "79.5 ms are added between hop 1",
            "a queue there is mostly full",
        ],
    );
}

#[test]
fn a_spike_is_jitter_and_named_where_it_begins() {
    let found = found(&[
        ("r1 500, r2 700, ! 900", 19),
        ("r1 500, r2 60700, ! 60900", 1),
    ]);
    says(
        &found,
        Level::Warn,
        &[
            "jitter",
            "60.0 ms longer",
            "between hop 1 (10.0.1.1) and hop 2",
            "half within 900 µs",
            "the longest 60.9 ms",
        ],
    );
}

#[test]
fn a_destination_that_is_not_reached_is_critical_with_the_reason() {
    says(
        &found(&[("r1 500, -, -, -", 3)]),
        Level::Critical,
        &[
            "not reached: nothing behind hop 1 (10.0.1.1) answers",
            "3 probes (ICMP echo)",
        ],
    );
    says(
        &found(&[("r1 500, r2 600 unreachable", 3)]),
        Level::Critical,
        &["hop 2 (10.0.2.1) says that the host does not answer"],
    );
    says(
        &found(&[("r1 500, r2 600 prohibited", 3)]),
        Level::Critical,
        &["a filter forbids it"],
    );
    says(
        &found(&[("Network-is-unreachable", 3)]),
        Level::Critical,
        &["this machine does not send the probes: Network-is-unreachable"],
    );
    says(
        &found(&[("-, -", 3)]),
        Level::Critical,
        &["nothing answers at all"],
    );
}

#[test]
fn a_port_that_refuses_is_told_and_the_way_is_open() {
    says(
        &found(&[("r1 500, ! 900 refused", 3)]),
        Level::Warn,
        &["the way is open, but", "refuses"],
    );
}

#[test]
fn routers_that_share_a_distance_are_named() {
    let found = found(&[("r1 500, r2 600, ! 900", 5), ("r1 500, r3 600, ! 900", 4)]);
    says(
        &found,
        Level::Ok,
        &[
            "several routers answer at hop 2",
            "10.0.2.1 5 times, 10.0.3.1 4 times",
        ],
    );
}

#[test]
fn large_packets_that_vanish_are_a_black_hole_only_if_nobody_says_so() {
    let told = |told_by| {
        let mut path = model(["r1 500, r2 600, ! 900"]);
        path.take_mtu(Ok(netperf_core::sample::path::MtuReading {
            passes: Some(1_400),
            fails: Some(1_401),
            link: Some(1_500),
            told_by,
            lost_at: Some(2),
        }));
        let findings = findings(&path, None);
        findings
            .into_iter()
            .map(|it| (it.level, it.what))
            .collect::<Vec<_>>()
    };
    says(
        &told(None),
        Level::Critical,
        &["more than 1400 bytes vanish on the link in front of hop 2 (10.0.2.1)"],
    );
    let router = "10.0.1.1".parse().unwrap();
    says(
        &told(Some((router, Some(1_400)))),
        Level::Ok,
        &[
            "up to 1400 bytes pass",
            "10.0.1.1 reports it, and names 1400",
        ],
    );
}

#[test]
fn a_process_that_waits_longer_than_the_way_takes_is_told() {
    let path = model(["r1 500, ! 20000"]);
    let side = |srtt| ProcessSide {
        pid: 7,
        name: "rsync".to_owned(),
        connections: 1,
        bytes: 1,
        srtt_min_us: Some(srtt),
        srtt_median_us: Some(srtt),
        srtt_max_us: Some(srtt),
    };
    let levels = |srtt| {
        let side = side(srtt);
        findings(&path, Some(&side))
            .into_iter()
            .map(|it| (it.level, it.what))
            .collect::<Vec<_>>()
    };
    says(
        &levels(250_000),
        Level::Warn,
        &["rsync (PID 7) waits longer"],
    );
    says(
        &levels(21_000),
        Level::Ok,
        &["rsync (PID 7) sees about what"],
    );
}
