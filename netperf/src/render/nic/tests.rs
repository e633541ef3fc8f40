use netperf_core::clock::{MonoNs, WallNs};
use netperf_core::model::nic::NicModel;
use netperf_core::sample::nic::{
    Driver, Duplex, LinkCounter, LinkCounters, LinkMode, NicReading, NicSample, OperState,
    QueueReading, Rings, SoftnetReading,
};

use super::*;
use crate::render::output::tests::text_of;
use crate::view::nic::NicOptions;
use netperf_core::model::nic::figures::users::Counted;

fn nic(name: &str, second: u64) -> NicReading {
    let mut counters = vec![0; LinkCounter::ALL.len()];
    counters[LinkCounter::RxBytes as usize] = 50_000_000 * second;
    counters[LinkCounter::TxBytes as usize] = 1_000_000 * second;
    counters[LinkCounter::RxMissedErrors as usize] = 12 * second;
    NicReading {
        index: 2,
        name: name.to_owned(),
        is_up: true,
        state: OperState::Up,
        carrier: Some(true),
        mtu: 1_500,
        driver: Some(Driver {
            name: "igb".to_owned(),
            firmware: Some("3.25".to_owned()),
            bus: Some("0000:03:00.0".to_owned()),
        }),
        mode: LinkMode {
            speed_mbit: Some(1_000),
            duplex: Some(Duplex::Full),
            autoneg: Some(true),
            supported_mbit: Some(1_000),
            ..LinkMode::default()
        },
        counters: LinkCounters(counters),
        queue: Some(QueueReading {
            kind: "fq_codel".to_owned(),
            drops: 3,
            ..QueueReading::default()
        }),
        rings: Some(Rings {
            rx: Some(256),
            rx_max: Some(4_096),
            tx: Some(256),
            tx_max: Some(4_096),
        }),
        ..NicReading::default()
    }
}

fn text(name: &str, width: usize) -> String {
    let mut model = NicModel::default();
    for second in [1, 2] {
        model.advance(NicSample {
            at: MonoNs(second * 1_000_000_000),
            wall: WallNs(1_700_000_000_000_000_000),
            nics: vec![nic(name, second)],
            softnet: vec![SoftnetReading::default()],
            namespaces: 1,
            ..NicSample::default()
        });
    }
    let tick = NicTick::new(
        &model,
        Counted::Impossible("no BTF"),
        &NicOptions::default(),
    );
    text_of(&tick, Some(width))
}

#[test]
fn an_interface_fits_a_terminal() {
    insta::assert_snapshot!(text("eth0", 100));
}

#[test]
fn no_table_is_wider_than_the_terminal_and_names_can_not_steer_it() {
    let text = text("a\x1b[2J", 80);
    assert!(!text.contains('\x1b'), "{text}");
    let tables = text.lines().filter(|line| !line.contains("->"));
    for line in tables {
        assert!(netperf_core::text::width(line) <= 80, "{line}");
    }
}
