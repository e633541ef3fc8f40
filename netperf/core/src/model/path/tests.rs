use super::fixtures::{cycle, target};
use super::*;

fn model(cycles: &[PathCycle]) -> PathModel {
    let mut model = PathModel::new(target());
    for cycle in cycles {
        model.advance(cycle);
    }
    model
}

#[test]
fn a_lost_probe_counts_at_its_hop_and_at_the_destination_alike() {
    let model = model(&[
        cycle(1, "r1 1000, r2 2000, ! 3000"),
        cycle(2, "r1 1100, -, -"),
    ]);
    let hops = model.hops();
    assert_eq!(hops.len(), 3);
    let counts = |figures: &Figures| (figures.sent(), figures.received());
    assert_eq!(
        hops.iter()
            .map(|hop| counts(&hop.figures))
            .collect::<Vec<_>>(),
        [(2, 2), (2, 1), (2, 1)]
    );
    assert_eq!(counts(&model.destination), (2, 1));
    assert_eq!(model.missed, Some(Missed::Silence));
}

#[test]
fn a_destination_that_was_seen_too_far_away_at_first_lost_that_probe() {
    let model = model(&[cycle(1, "r1 1000, -, ! 3000"), cycle(2, "r1 1000, ! 2500")]);
    assert_eq!(model.distance(), Some(2));
    assert_eq!(
        (model.destination.sent(), model.destination.received()),
        (2, 1)
    );
    assert_eq!(model.destination.worst_us(), Some(2_500));
    assert_eq!(model.hops().len(), 2);
}

#[test]
fn a_way_that_grows_longer_or_shorter_keeps_the_figures_of_its_destination() {
    let longer = [
        cycle(1, "r1 1000, ! 2000"),
        cycle(2, "r1 1000, r2 2000"),
        cycle(3, "r1 1000, r2 2000, ! 3000"),
    ];
    let mut model = model(&longer);
    assert_eq!(
        (model.destination.sent(), model.destination.received()),
        (2, 2)
    );
    assert_eq!(model.hops().len(), 3);
    model.advance(&cycle(4, "r1 1000, ! 1500"));
    assert_eq!(
        (model.destination.sent(), model.destination.received()),
        (3, 3)
    );
    assert_eq!(model.hops().len(), 2);
}

#[test]
fn routers_that_share_a_distance_are_told_apart_up_to_a_bound() {
    let mut model = model(&[
        cycle(1, "r1 1, ! 2"),
        cycle(2, "r2 1, ! 2"),
        cycle(3, "r1 1, ! 2"),
    ]);
    let times: Vec<_> = model.hops()[0]
        .hosts
        .iter()
        .map(|(_, times)| *times)
        .collect();
    assert_eq!(times, [2, 1]);
    for number in 1..100_u8 {
        model.advance(&cycle(4, &format!("r{number} 1, ! 2")));
    }
    assert_eq!(model.hops()[0].hosts.len(), HOSTS_MAX);
}

#[test]
fn what_nobody_answers_ends_with_the_last_that_did() {
    let model = model(&[cycle(1, "r1 1000, -, r3 5, -, -, -")]);
    assert_eq!(model.hops().len(), 3);
    assert_eq!(model.distance(), None);
    assert_eq!(
        (model.destination.sent(), model.destination.received()),
        (1, 0)
    );
}

#[test]
fn silence_after_a_reason_does_not_take_it_away_but_an_answer_does() {
    let mut told = model(&[
        cycle(1, "r1 1000, r2 2000 unreachable"),
        cycle(2, "r1 1000, -"),
    ]);
    assert!(matches!(told.missed, Some(Missed::Reported { .. })));
    told.advance(&cycle(3, "r1 1000, r2 2000, ! 3000"));
    assert_eq!(told.missed, None);
    told.advance(&cycle(4, "r1 1000, r2 2000, -"));
    assert_eq!(told.missed, Some(Missed::Silence));
}

#[test]
fn what_a_router_says_is_the_reason() {
    let told = model(&[cycle(1, "r1 1000, r2 2000 unreachable")]);
    let by = "10.0.2.1".parse().unwrap();
    assert_eq!(
        told.missed,
        Some(Missed::Reported {
            by,
            why: Unreachable::Host
        })
    );
    assert_eq!(
        told.hops()[1].stopped,
        Some(Said::Unreachable(Unreachable::Host))
    );
    assert_eq!(
        (told.destination.sent(), told.destination.received()),
        (1, 0)
    );
}
