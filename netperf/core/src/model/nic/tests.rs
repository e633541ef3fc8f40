use super::*;
use crate::clock::MonoNs;
use crate::sample::nic::{Duplex, LinkCounters, LinkMode, QueueReading};

/// An interface of 1 Gbit/s with these bytes and packets sent.
fn nic(bytes: u64, packets: u64) -> NicReading {
    let mut counters = vec![0; LinkCounter::ALL.len()];
    counters[LinkCounter::TxBytes as usize] = bytes;
    counters[LinkCounter::TxPackets as usize] = packets;
    NicReading {
        index: 2,
        name: "eth0".to_owned(),
        mode: LinkMode {
            speed_mbit: Some(1_000),
            duplex: Some(Duplex::Full),
            ..LinkMode::default()
        },
        counters: LinkCounters(counters),
        ..NicReading::default()
    }
}

fn look(second: u64, nic: NicReading) -> NicSample {
    NicSample {
        at: MonoNs(second * 1_000_000_000),
        nics: vec![nic],
        ..NicSample::default()
    }
}

fn model(looks: Vec<NicSample>) -> NicModel {
    let mut model = NicModel::default();
    for look in looks {
        model.advance(look);
    }
    model
}

fn utilisation(model: &NicModel) -> Option<f64> {
    model.load(&model.now.nics[0]).and_then(Load::utilisation)
}

#[test]
fn one_look_tells_totals_and_no_rates() {
    let model = model(vec![look(1, nic(1_000, 1))]);
    assert_eq!(model.interval(), None);
    assert_eq!(utilisation(&model), None);
    assert_eq!(model.growth(&model.now.nics[0], LinkCounter::TxBytes), None);
}

#[test]
fn a_full_cable_is_full_with_what_frames_take_up_beside_their_bytes() {
    // 81 274 frames of 1 538 bytes a second are a gigabit; interfaces count 1 514 of each.
    let full = (81_274 * 1_514, 81_274);
    let model = model(vec![look(1, nic(0, 0)), look(2, nic(full.0, full.1))]);
    let share = utilisation(&model).unwrap();
    assert!((share - 1.0).abs() < 0.001, "{share}");
}

#[test]
fn both_directions_share_a_link_of_half_duplex() {
    let half = |bytes| {
        let mut nic = nic(bytes, 0);
        nic.mode.duplex = Some(Duplex::Half);
        nic.counters.0[LinkCounter::RxBytes as usize] = bytes;
        nic
    };
    let model = model(vec![look(1, half(0)), look(2, half(50_000_000))]);
    let share = utilisation(&model).unwrap();
    assert!((share - 0.8).abs() < 0.001, "{share}");
}

#[test]
fn a_speed_that_is_made_up_is_no_limit() {
    let veth = |bytes| NicReading {
        kind: Some("veth".to_owned()),
        ..nic(bytes, 0)
    };
    let model = model(vec![look(1, veth(0)), look(2, veth(1_000_000_000))]);
    assert_eq!(utilisation(&model), None);
    let load = model.load(&model.now.nics[0]).unwrap();
    assert_eq!(load.speed.unwrap().tx_bytes_per_s, 1_000_000_000);
}

#[test]
fn growth_is_missing_when_a_counter_goes_back_or_the_interface_is_another() {
    let back = model(vec![look(1, nic(5, 5)), look(2, nic(4, 6))]);
    let now = &back.now.nics[0];
    assert_eq!(back.growth(now, LinkCounter::TxBytes), None);
    assert_eq!(back.growth(now, LinkCounter::TxPackets), Some(1));
    let renamed = NicReading {
        name: "eth1".to_owned(),
        ..nic(9, 9)
    };
    let other = model(vec![look(1, nic(5, 5)), look(2, renamed)]);
    assert_eq!(other.growth(&other.now.nics[0], LinkCounter::TxBytes), None);
}

#[test]
fn busy_ticks_are_counted_in_a_row() {
    let step = 120_000_000;
    let at = |second, bytes| look(second, nic(bytes, 0));
    let looks = vec![at(1, 0), at(2, step), at(3, 2 * step), at(4, 3 * step)];
    let busy = model(looks.clone());
    assert_eq!(busy.streak_of(&busy.now.nics[0]).busy, 3);
    let rested = model([looks, vec![at(5, 3 * step)]].concat());
    assert_eq!(rested.streak_of(&rested.now.nics[0]).busy, 0);
}

#[test]
fn a_queue_that_throws_away_and_holds_packets_is_full() {
    let queued = |drops: u32, waiting: u32| NicReading {
        queue: Some(QueueReading {
            kind: "tbf".to_owned(),
            backlog_packets: waiting,
            drops,
            ..QueueReading::default()
        }),
        ..nic(0, 0)
    };
    let wrapped = model(vec![look(1, queued(u32::MAX, 9)), look(2, queued(3, 9))]);
    let now = &wrapped.now.nics[0];
    assert_eq!(wrapped.queue_growth(now, |queue| queue.drops), Some(4));
    assert_eq!(wrapped.streak_of(now).queued, 1);
    let back = model(vec![look(1, queued(9, 9)), look(2, queued(3, 9))]);
    assert_eq!(
        back.queue_growth(&back.now.nics[0], |queue| queue.drops),
        None
    );
    let full = |bytes| NicReading {
        queue: Some(QueueReading {
            kind: "tbf".to_owned(),
            rate: Some(1_000_000),
            ..QueueReading::default()
        }),
        ..nic(bytes, 0)
    };
    let at_rate = model(vec![look(1, full(0)), look(2, full(950_000))]);
    assert_eq!(at_rate.streak_of(&at_rate.now.nics[0]).queued, 1);
    let idle = model(vec![look(1, full(0)), look(2, full(500_000))]);
    assert_eq!(idle.streak_of(&idle.now.nics[0]).queued, 0);
    let empty = model(vec![look(1, queued(1, 0)), look(2, queued(3, 0))]);
    assert_eq!(empty.streak_of(&empty.now.nics[0]).queued, 0);
}

#[test]
fn a_processors_counters_wrap() {
    let at = |second, processed| NicSample {
        softnet: vec![SoftnetReading {
            cpu: 1,
            processed,
            ..SoftnetReading::default()
        }],
        ..look(second, nic(0, 0))
    };
    let model = model(vec![at(1, u32::MAX - 1), at(2, 3)]);
    let grown = model.softnet_growth(&model.now.softnet[0], |it| it.processed);
    assert_eq!(grown, Some(5));
}
