use netperf_core::clock::{MonoNs, WallNs};
use netperf_core::model::nic::NicModel;
use netperf_core::sample::nic::{
    Duplex, LinkCounter, LinkCounters, LinkMode, NicReading, NicSample, QueueReading,
    SoftnetReading,
};

use super::*;

fn eth0() -> NicReading {
    NicReading {
        index: 2,
        name: "eth0".to_owned(),
        is_up: true,
        carrier: Some(true),
        mode: LinkMode {
            speed_mbit: Some(1_000),
            duplex: Some(Duplex::Full),
            autoneg: Some(true),
            supported_mbit: Some(1_000),
            ..LinkMode::default()
        },
        counters: LinkCounters(vec![0; LinkCounter::ALL.len()]),
        ..NicReading::default()
    }
}

fn grown(mut nic: NicReading, counters: &[(LinkCounter, u64)]) -> NicReading {
    for &(counter, value) in counters {
        nic.counters.0[counter as usize] += value;
    }
    nic
}

/// Looks a second apart, with these interfaces.
fn model(looks: impl IntoIterator<Item = NicReading>) -> NicModel {
    let mut model = NicModel::default();
    for (second, nic) in (1..).zip(looks) {
        model.advance(NicSample {
            at: MonoNs(second * 1_000_000_000),
            wall: WallNs(1),
            nics: vec![nic],
            namespaces: 1,
            ..NicSample::default()
        });
    }
    model
}

fn findings(model: &NicModel) -> Vec<Finding> {
    let figures = NicFigures::new(model, None, |_| true);
    super::findings(&figures, Period::Tick, Units::Auto)
}

fn only(model: &NicModel) -> Finding {
    let mut found = findings(model);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[test]
fn an_interface_that_is_as_it_should_be_is_said_to_be() {
    let found = only(&model([eth0(), eth0()]));
    assert_eq!(
        (found.level, found.what.as_str()),
        (Level::Ok, "no trouble found")
    );
}

#[test]
fn half_duplex_is_found_with_what_it_mostly_comes_from() {
    let mut half = eth0();
    half.mode.duplex = Some(Duplex::Half);
    half.mode.speed_mbit = Some(100);
    half.mode.supported_mbit = Some(100);
    half.mode.autoneg = Some(false);
    let found = only(&model([half.clone()]));
    assert_eq!(found.level, Level::Warn);
    assert_eq!(
        found.what,
        "eth0 runs on half duplex: both directions share its speed"
    );
    assert_eq!(
        found.evidence,
        "half duplex at 100 Mbit/s; autonegotiation is off"
    );
    assert!(found.advice[1].contains("`ethtool -s eth0 autoneg on`"));
    half.carrier = Some(false);
    assert_eq!(only(&model([half])).what, "no trouble found");
}

#[test]
fn a_slow_link_is_blamed_on_the_end_that_makes_it_slow() {
    let link = |advertised, peer| {
        let mut nic = eth0();
        nic.mode = LinkMode {
            speed_mbit: Some(100),
            supported_mbit: Some(1_000),
            advertised_mbit: Some(advertised),
            peer_mbit: peer,
            ..nic.mode
        };
        only(&model([nic]))
    };
    let here = link(100, None);
    assert_eq!(here.what, "eth0 runs at 100 Mbit/s, and can do 1 Gbit/s");
    assert_eq!(
        here.evidence,
        "this end is set to offer no more than 100 Mbit/s"
    );
    let cable = link(1_000, Some(1_000));
    assert_eq!(cable.level, Level::Warn);
    assert!(cable.advice[0].starts_with("change the cable"), "{cable:?}");
    let switch = findings_of_switch();
    assert_eq!(switch.level, Level::Ok);
    assert!(link(1_000, None).evidence.contains("not known"));
}

/// The other end can do no more: that is as it should be.
fn findings_of_switch() -> Finding {
    let mut nic = eth0();
    nic.mode.speed_mbit = Some(100);
    nic.mode.advertised_mbit = Some(1_000);
    nic.mode.peer_mbit = Some(100);
    findings(&model([nic])).remove(0)
}

#[test]
fn a_full_interface_is_told_after_three_ticks_and_not_before() {
    let at = |seconds: u64| grown(eth0(), &[(LinkCounter::TxBytes, 123_000_000 * seconds)]);
    let two = model((0..3).map(at));
    assert_eq!(only(&two).what, "no trouble found");
    let found = only(&model((0..4).map(at)));
    assert_eq!(found.what, "eth0 is full");
    assert_eq!(
        found.evidence,
        "it sends 984 Mbit/s of 1 Gbit/s, 98 % with what frames take up, for 3 ticks"
    );
    assert!(found.advice[0].contains("top --sort tx"));
}

#[test]
fn a_queue_that_keeps_a_rate_is_full_and_who_set_it_is_asked_for() {
    let at = |seconds: u32| NicReading {
        queue: Some(QueueReading {
            kind: "tbf".to_owned(),
            backlog_packets: 40,
            backlog_bytes: 60_560,
            drops: 25 * seconds,
            overlimits: 100 * seconds,
            requeues: 0,
            rate: Some(1_000_000),
        }),
        ..eth0()
    };
    let found = only(&model((0..4).map(at)));
    assert_eq!(
        found.what,
        "eth0 is full: more is to be sent than its tbf lets out"
    );
    assert!(
        found.evidence.starts_with(
            "it sends 0 bit/s, and its tbf lets out 8.00 Mbit/s; 25 packets thrown away in this tick \
             by its queue (tbf), 75 since it was made; 40 packets (60.6 kB) wait"
        ),
        "{found:?}"
    );
    assert!(found.advice[0].contains("`tc -s qdisc show dev eth0`"));
    let held_back = model((0..4).map(at));
    let figures = NicFigures::new(&held_back, None, |_| true);
    let in_kb = super::findings(&figures, Period::Tick, Units::KB);
    let evidence = &in_kb[0].evidence;
    assert!(
        evidence.contains("lets out 1000 kB/s") && evidence.contains("(60.6 kB) wait"),
        "{evidence}"
    );
    let limit = |second| NicReading {
        name: "npt1u".to_owned(),
        kind: Some("veth".to_owned()),
        ..at(second)
    };
    let held = findings(&model((0..4).map(limit))).remove(0);
    assert_eq!(held.level, Level::Ok, "{held:?}");
    assert_eq!(held.what, "npt1u limits a process on purpose");
    let once = only(&model((0..2).map(at)));
    assert_eq!(once.what, "the queue of eth0 threw packets away");
}

#[test]
fn a_sum_is_not_told_beside_what_it_is_made_of() {
    let damaged = [(LinkCounter::RxErrors, 5), (LinkCounter::RxCrcErrors, 5)];
    let found = only(&model([eth0(), grown(eth0(), &damaged)]));
    assert!(
        found.what.starts_with("rx_crc_errors of eth0 grows"),
        "{found:?}"
    );
    let sum = only(&model([eth0(), grown(eth0(), &damaged[..1])]));
    assert!(sum.what.starts_with("rx_errors of eth0 grows"), "{sum:?}");
}

#[test]
fn a_counter_that_does_not_grow_is_explained_and_is_no_finding() {
    let old = grown(eth0(), &[(LinkCounter::RxMissedErrors, 7)]);
    let model = model([old.clone(), old]);
    assert_eq!(only(&model).what, "no trouble found");
    let figures = NicFigures::new(&model, None, |_| true);
    let meanings = meaning::meanings(&figures.interfaces);
    assert_eq!(meanings.len(), 1);
    assert_eq!(meanings[0].counter, "rx_missed_errors");
}

#[test]
fn a_few_packets_that_nobody_wants_are_no_trouble() {
    let few = [
        (LinkCounter::RxDropped, 2),
        (LinkCounter::RxPackets, 10_000),
    ];
    let found = findings(&model([eth0(), grown(eth0(), &few)])).remove(0);
    assert_eq!(found.level, Level::Ok, "{found:?}");
    assert_eq!(
        found.evidence,
        "2 in this tick, 0.02 % of its packets; 2 since the interface was made"
    );
    let many = [(LinkCounter::RxDropped, 200), (LinkCounter::RxPackets, 800)];
    let found = only(&model([eth0(), grown(eth0(), &many)]));
    assert_eq!(found.level, Level::Warn);
    assert!(found.evidence.contains("20 % of its packets"), "{found:?}");
}

#[test]
fn frames_that_nobody_here_speaks_are_no_trouble_of_a_quiet_interface() {
    let at = |second: u64, (frames, overflows)| NicSample {
        at: MonoNs(second * 1_000_000_000),
        nics: vec![grown(
            eth0(),
            &[
                (LinkCounter::RxDropped, frames),
                (LinkCounter::RxPackets, frames),
            ],
        )],
        softnet: vec![SoftnetReading {
            cpu: 0,
            processed: 1_000,
            dropped: overflows,
            squeezed: 0,
        }],
        ..NicSample::default()
    };
    let judged = |frames, overflows| {
        let mut model = NicModel::default();
        model.advance(at(1, (0, 0)));
        model.advance(at(11, (frames, overflows)));
        let findings = findings(&model);
        let found = findings.iter().find(|it| it.what.starts_with("rx_dropped"));
        found.unwrap().level
    };
    assert_eq!(judged(10, 0), Level::Ok);
    assert_eq!(judged(60, 0), Level::Ok);
    assert_eq!(judged(60, 60), Level::Warn);
    assert_eq!(judged(6_000, 0), Level::Warn);
}

#[test]
fn processors_that_throw_away_are_found() {
    let at = |second: u64, dropped| NicSample {
        at: MonoNs(second * 1_000_000_000),
        nics: vec![eth0()],
        softnet: vec![SoftnetReading {
            cpu: 3,
            processed: 1_000,
            dropped,
            squeezed: dropped,
        }],
        ..NicSample::default()
    };
    let mut model = NicModel::default();
    model.advance(at(1, 0));
    model.advance(at(2, 50));
    let found = findings(&model);
    assert!(
        found[0].what.starts_with("processor 3 throws away packets"),
        "{found:?}"
    );
    assert!(
        found[1].what.starts_with("processor 3 does not keep up"),
        "{found:?}"
    );
}

#[test]
fn known_counters_of_drivers_are_found_once_a_kind() {
    let with = |value: u64| NicReading {
        driver_counters: vec![
            ("rx_queue_0_drops".to_owned(), value),
            ("rx_queue_1_drops".to_owned(), 2 * value),
            ("rx_queue_0_packets".to_owned(), value),
        ],
        ..eth0()
    };
    let found = only(&model([with(0), with(4)]));
    assert_eq!(
        found.what,
        "the driver of eth0 says: packets arrived while the driver had no buffer for them"
    );
    assert_eq!(
        found.evidence,
        "rx_queue_0_drops +4 in this tick; rx_queue_1_drops +8 in this tick"
    );
}

#[test]
fn conditions_are_held_against_each_interface_in_each_tick() {
    let worse = [
        (LinkCounter::RxErrors, 3),
        (LinkCounter::TxDropped, 2),
        (LinkCounter::TxBytes, 60_000_000),
    ];
    let model = model([eth0(), grown(eth0(), &worse)]);
    let rows = NicFigures::new(&model, None, |_| true).interfaces;
    for (text, sentence) in [
        ("errors>0", "eth0: errors is 3, more than 0"),
        ("errors>3", ""),
        ("drops>=2", "eth0: drops is 2, at least 2"),
        ("drops>2", ""),
        ("drops<3", "eth0: drops is 2, less than 3"),
        ("util>48%", ""),
        ("util>=48", "eth0: util is 48 %, at least 48 %"),
        ("util<=48", "eth0: util is 48 %, at most 48 %"),
    ] {
        let condition = text.parse().unwrap();
        let found = condition::broken(&condition, &rows);
        assert_eq!(found.join("; "), sentence, "{text}");
    }
}

#[test]
fn an_interface_that_was_asked_for_and_is_gone_is_no_all_clear() {
    let model = model([]);
    let figures = NicFigures {
        missing: vec!["eth0".to_owned()],
        ..NicFigures::new(&model, None, |_| true)
    };
    let found = super::findings(&figures, Period::Tick, Units::Auto);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].level, Level::Critical);
    assert!(found[0].what.contains("eth0 is gone"), "{found:#?}");
}
