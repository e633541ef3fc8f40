//! Which link, or which router, is blamed.

use super::*;

fn whats(found: &[(Level, String)]) -> String {
    let trouble = found.iter().filter(|(level, _)| *level != Level::Ok);
    trouble.map(|(_, text)| text.as_str()).collect()
}

#[test]
fn a_link_in_front_of_a_hop_that_loses_nothing_is_not_blamed() {
    // Hop 1 limits its answers, and the destination loses behind hop 2.
    for (rare, losing) in [(65, 30), (35, 30), (30, 30), (8, 8)] {
        let found = found(&[
            ("-, r2 600, ! 900", rare - losing),
            ("-, r2 600, -", losing),
            ("r1 500, r2 600, ! 900", 100 - rare),
        ]);
        let blamed = whats(&found);
        assert!(
            blamed.contains("it begins between hop 2 (10.0.2.1) and the destination"),
            "{blamed}"
        );
        assert!(!blamed.contains("this machine and hop 1"), "{blamed}");
    }
}

#[test]
fn loss_that_all_hops_show_begins_at_the_first_also_where_chance_spares_one() {
    let found = found(&[
        ("r1 500, r2 600, ! 900", 90),
        ("-, r2 600, -", 3),
        ("-, -, ! 900", 3),
        ("-, -, -", 2),
        ("r1 500, r2 600, -", 2),
    ]);
    says(
        &found,
        Level::Warn,
        &["between this machine and hop 1", "lasts to the end"],
    );
    assert!(
        !found
            .iter()
            .any(|(_, text)| text.contains("that is not loss")),
        "{found:?}"
    );
}

#[test]
fn probes_that_a_router_sends_back_are_told_and_no_loss() {
    let back = found(&[
        ("r1 500, r2 600, ! 900", 36),
        ("r1 500, r2 600, r2 700 unreachable", 24),
    ]);
    says(
        &back,
        Level::Critical,
        &[
            "40 % of the packets are sent back: hop 2 (10.0.2.1) says \"host unreachable\"",
            "24 of 60 probes; the destination answered 36, none was lost without a word",
        ],
    );
    assert!(!whats(&back).contains("lost: it begins"), "{back:?}");
    assert!(
        !back.iter().any(|(_, text)| text.contains("no trouble")),
        "{back:?}"
    );
    let filtered = found(&[
        ("r1 500, r2 600, ! 900", 97),
        ("r1 500, r2 600, r1 700 prohibited", 1),
        ("r1 500, r2 600, -", 2),
    ]);
    says(
        &filtered,
        Level::Warn,
        &["1 % of", "hop 1 (10.0.1.1) says \"prohibited\""],
    );
    says(
        &filtered,
        Level::Warn,
        &["2.0 % of the packets are lost", "lost 2 of 99"],
    );
}

#[test]
fn a_nearer_router_that_sends_a_probe_back_is_no_second_router_at_that_hop() {
    let found = found(&[
        ("r1 500, r2 600, ! 900", 6),
        ("r1 500, r1 600 unreachable, ! 900", 2),
        ("r1 500, r2 600, r1 700 unreachable", 2),
    ]);
    says(
        &found,
        Level::Critical,
        &["hop 1 (10.0.1.1) says \"host unreachable\""],
    );
    assert!(
        !found
            .iter()
            .any(|(_, text)| text.contains("several routers")),
        "{found:?}"
    );
}

#[test]
fn a_routing_loop_is_named_with_its_routers_whether_or_not_all_hops_answer() {
    for way in [
        "r1 500, r2 600, r1 700, r2 800, r1 900",
        "r1 500, r2 600, r1 700, r2 800, -, -, -",
        "r1 500, -, r1 700, r2 800, -, r2 900, r1 950",
    ] {
        let found = found(&[(way, 3)]);
        says(
            &found,
            Level::Critical,
            &["routing loop", "10.0.1.1", "10.0.2.1", "not reached"],
        );
        assert!(!whats(&found).contains("nothing behind"), "{found:?}");
    }
    let three = found(&[("r9 100, r1 500, r2 600, r3 700, r1 800, r2 900, r3 950", 3)]);
    says(
        &three,
        Level::Critical,
        &["loop between 10.0.1.1, 10.0.2.1 and 10.0.3.1, from hop 2 on"],
    );
}

#[test]
fn a_loop_that_begins_while_it_is_watched_is_no_all_clear() {
    let found = found(&[
        ("r1 500, r2 600, ! 900", 5),
        ("r1 500, r2 600, r1 700, r2 800, -", 5),
    ]);
    says(
        &found,
        Level::Critical,
        &["no longer reached", "routing loop", "answered 5 of 10"],
    );
    assert!(
        !found.iter().any(|(_, text)| text.contains("no trouble")),
        "{found:?}"
    );
    assert!(!whats(&found).contains("it begins between"), "{found:?}");
}
