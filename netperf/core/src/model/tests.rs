use std::sync::Arc;
use std::time::Duration;

use super::Model;
use super::process::ProcessTraffic;
use super::traffic::{Speed, Traffic};
use crate::clock::MonoNs;
use crate::fixtures::{at, flow, link, moved, process, second};
use crate::sample::{FlowReading, Process, ProcessReading, Sample};

fn traffic(tx_bytes: u64, rx_bytes: u64) -> Traffic {
    Traffic { tx_bytes, rx_bytes }
}

fn with(sample: Sample, processes: impl IntoIterator<Item = ProcessReading>) -> Sample {
    Sample {
        processes: processes.into_iter().collect(),
        ..sample
    }
}

fn known<'m>(model: &'m Model, process: &Process) -> &'m ProcessTraffic {
    model.processes().get(process.id).unwrap()
}

#[test]
fn a_rate_is_the_difference_over_the_measured_interval() {
    let rsync = process(10, "rsync");
    let mut model = Model::new(&second(100));
    model.advance(&with(
        at(Duration::from_millis(101_500)),
        [moved(&rsync, 3_000, 150)],
    ));
    let row = known(&model, &rsync);
    assert_eq!(row.moved, Some(traffic(3_000, 150)));
    let speed = Speed {
        tx_bytes_per_s: 2_000,
        rx_bytes_per_s: 100,
    };
    assert_eq!(model.span().speed(row.moved), Some(speed));
    model.advance(&with(second(103), [moved(&rsync, 4_500, 150)]));
    assert_eq!(known(&model, &rsync).moved, Some(traffic(1_500, 0)));
}

#[test]
fn what_was_counted_while_opening_belongs_to_the_first_tick() {
    let (early, both) = (process(1, "early"), process(2, "both"));
    let mut model = Model::new(&with(second(1), [moved(&early, 5, 0), moved(&both, 7, 0)]));
    model.advance(&with(second(2), [moved(&both, 10, 0)]));
    assert_eq!(known(&model, &early).moved, Some(traffic(5, 0)));
    assert_eq!(known(&model, &both).moved, Some(traffic(10, 0)));
    assert_eq!(model.processes().changed().count(), 2);
    model.advance(&second(3));
    assert_eq!(known(&model, &early).moved, Some(traffic(0, 0)));
}

#[test]
fn a_rate_is_missing_when_the_clock_stood_still() {
    let rsync = process(10, "rsync");
    let mut model = Model::new(&second(100));
    model.advance(&with(second(100), [moved(&rsync, 3_000, 0)]));
    let row = known(&model, &rsync);
    assert_eq!(row.moved, Some(traffic(3_000, 0)));
    assert_eq!(model.span().speed(row.moved), None);
    assert_eq!(model.tracer_cpu(), None);
}

#[test]
fn a_difference_is_missing_when_a_counter_goes_back() {
    let rsync = process(10, "rsync");
    let mut model = Model::new(&second(1));
    model.advance(&with(second(2), [moved(&rsync, 3_000, 0)]));
    model.advance(&with(second(3), [moved(&rsync, 2_000, 0)]));
    assert_eq!(known(&model, &rsync).moved, None);
    model.advance(&with(second(4), [moved(&rsync, 2_500, 0)]));
    assert_eq!(known(&model, &rsync).moved, Some(traffic(500, 0)));
}

#[test]
fn a_process_that_ended_is_shown_once_and_forgotten() {
    let curl = process(10, "curl");
    let mut model = Model::new(&second(1));
    let last = ProcessReading {
        alive: false,
        last: true,
        ..moved(&curl, 100, 5_000)
    };
    model.advance(&with(second(2), [last]));
    assert!(!known(&model, &curl).alive);
    model.advance(&second(3));
    assert!(model.processes().get(curl.id).is_none());
    assert_eq!(model.processes().total(), traffic(100, 5_000));
    assert_eq!(model.processes().moved(), traffic(0, 0));
}

#[test]
fn a_process_whose_end_was_shown_is_forgotten_with_a_last_reading_that_adds_nothing() {
    let curl = process(10, "curl");
    let ended = ProcessReading {
        alive: false,
        ..moved(&curl, 100, 5_000)
    };
    let last = ProcessReading {
        last: true,
        ..ended.clone()
    };
    let mut model = Model::new(&second(1));
    model.advance(&with(second(2), [ended]));
    model.advance(&with(second(3), [last]));
    assert!(model.processes().get(curl.id).is_none());
    assert_eq!(model.processes().total(), traffic(100, 5_000));
}

#[test]
fn a_reused_pid_is_another_process() {
    let old = process(10, "old");
    let new = Arc::new(Process {
        id: crate::sample::ProcessId {
            start: MonoNs(9),
            ..old.id
        },
        ..(*process(10, "new")).clone()
    });
    let mut model = Model::new(&second(1));
    model.advance(&with(second(2), [moved(&old, 70, 0), moved(&new, 5, 0)]));
    assert_eq!(known(&model, &old).moved, Some(traffic(70, 0)));
    assert_eq!(known(&model, &new).moved, Some(traffic(5, 0)));
}

#[test]
fn ticks_add_up_to_the_totals() {
    let rsync = process(10, "rsync");
    let mut model = Model::new(&second(0));
    let mut sum = Traffic::default();
    for tick in 1..=50 {
        model.advance(&with(second(tick), [moved(&rsync, tick * tick, tick * 3)]));
        sum += known(&model, &rsync).moved.unwrap();
    }
    assert_eq!(sum, known(&model, &rsync).total);
    assert_eq!(sum, model.processes().total());
}

#[test]
fn a_new_name_is_taken_over() {
    let mut model = Model::new(&second(0));
    model.advance(&with(second(1), [moved(&process(10, "bash"), 1, 0)]));
    model.advance(&with(second(2), [moved(&process(10, "curl"), 1, 0)]));
    assert_eq!(known(&model, &process(10, "")).process.name, "curl");
}

#[test]
fn the_last_minute_is_kept_for_each_process() {
    let rsync = process(10, "rsync");
    let mut model = Model::new(&second(0));
    for tick in 1..=3 {
        model.advance(&with(second(tick), [moved(&rsync, tick * 10, 0)]));
    }
    model.advance(&second(4));
    let columns = known(&model, &rsync)
        .history
        .columns(model.at(), 5, Duration::from_secs(1));
    assert_eq!(columns, [0, 10, 10, 10, 0]);
}

#[test]
fn flows_have_averages_and_leave_when_they_have_decayed() {
    let rsync = process(10, "rsync");
    let mut model = Model::new(&second(0));
    model.advance(&second(100));
    model.advance(&Sample {
        flows: vec![flow(&rsync, 1, 4_000, 0)],
        ..second(101)
    });
    let average = |model: &Model, window| {
        let flow = model.flows().iter().next().unwrap();
        let speed = flow
            .history
            .average(model.at(), Duration::from_secs(window), model.opened());
        speed.unwrap().tx_bytes_per_s
    };
    assert_eq!(
        [2, 10, 40].map(|window| average(&model, window)),
        [2_000, 400, 100]
    );
    model.advance(&second(105));
    assert_eq!(
        [2, 10, 40].map(|window| average(&model, window)),
        [0, 400, 100]
    );
    model.advance(&second(141));
    assert_eq!(model.flows().iter().count(), 0);
    assert_eq!(
        model.flows().len(),
        1,
        "its counters stay as long as it is open"
    );
}

#[test]
fn a_flow_that_was_quiet_for_long_goes_on_where_it_stopped() {
    let rsync = process(10, "rsync");
    let mut model = Model::new(&second(0));
    model.advance(&Sample {
        flows: vec![flow(&rsync, 1, 4_000, 0)],
        ..second(1)
    });
    model.advance(&second(100));
    model.advance(&Sample {
        flows: vec![flow(&rsync, 1, 4_100, 7)],
        ..second(200)
    });
    let row = model.flows().iter().next().unwrap();
    assert_eq!(row.moved, Some(traffic(100, 7)));
    assert_eq!(row.total(), traffic(4_100, 7));
}

#[test]
fn a_closed_flow_decays_and_is_forgotten() {
    let rsync = process(10, "rsync");
    let mut model = Model::new(&second(0));
    let mut last = flow(&rsync, 1, 4_000, 0);
    last.closed = true;
    model.advance(&Sample {
        flows: vec![last],
        ..second(1)
    });
    model.advance(&second(30));
    assert_eq!(model.flows().iter().count(), 1);
    model.advance(&second(60));
    assert!(model.flows().is_empty());
}

#[test]
fn retransmissions_of_an_older_socket_are_not_blamed_on_this_tick() {
    let rsync = process(10, "rsync");
    let with_retrans = |retrans, retransmitted, tx_bytes| FlowReading {
        retrans: Some(retrans),
        retransmitted,
        ..flow(&rsync, 1, tx_bytes, 0)
    };
    let mut model = Model::new(&second(0));
    model.advance(&Sample {
        flows: vec![with_retrans(9, 0, 1)],
        ..second(1)
    });
    assert_eq!(model.flows().iter().next().unwrap().retrans, Some(0));
    model.advance(&Sample {
        flows: vec![with_retrans(11, 2, 2)],
        ..second(2)
    });
    assert_eq!(model.flows().iter().next().unwrap().retrans, Some(2));
}

#[test]
fn memory_is_bounded_under_churn() {
    let rsync = process(10, "rsync");
    let mut model = Model::new(&second(0));
    for tick in 1..=30 {
        let ended = (0..10_000).map(|socket| {
            let mut reading = flow(&rsync, tick * 10_000 + socket, 1, 1);
            reading.closed = true;
            reading
        });
        model.advance(&Sample {
            flows: ended.collect(),
            ..second(tick)
        });
        let now = model
            .flows()
            .iter()
            .filter(|flow| flow.moved != Some(Traffic::default()));
        assert_eq!(
            now.count(),
            10_000,
            "each is shown in the tick in which it moved bytes"
        );
    }
    model.advance(&second(31));
    assert_eq!(model.flows().len(), 1_000);
    model.advance(&second(100));
    assert!(model.flows().is_empty());
}

#[test]
fn a_tick_touches_what_is_active_and_not_what_is_known() {
    let rsync = process(10, "rsync");
    let mut model = Model::new(&second(0));
    let all = (0..100_000)
        .map(|socket| flow(&rsync, socket, 1, 0))
        .collect();
    model.advance(&Sample {
        flows: all,
        ..second(1)
    });
    model.advance(&second(50));
    assert_eq!(model.flows().iter().count(), 0);
    let active = (0..1_000)
        .map(|socket| flow(&rsync, socket, 2, 0))
        .collect();
    model.advance(&Sample {
        flows: active,
        ..second(51)
    });
    assert_eq!(model.flows().iter().count(), 1_000);
    assert_eq!(model.flows().len(), 100_000);
}

#[test]
fn utilisation_is_that_of_the_busier_direction() {
    let mut model = Model::new(&Sample {
        links: vec![link("eth0", 1_000, 1_000)],
        ..second(0)
    });
    assert_eq!(model.links()[0].moved, None);
    model.advance(&Sample {
        links: vec![link("eth0", 62_501_000, 2_000)],
        ..second(1)
    });
    assert_eq!(model.links()[0].moved, Some(traffic(62_500_000, 1_000)));
    let share = model.links()[0].utilisation().unwrap();
    assert!((share - 0.5).abs() < 1e-9, "{share}");
}

#[test]
fn an_interface_that_began_again_has_no_difference() {
    let mut model = Model::new(&Sample {
        links: vec![link("eth0", 1_000, 1_000)],
        ..second(0)
    });
    model.advance(&Sample {
        links: vec![link("eth0", 10, 10)],
        ..second(1)
    });
    assert_eq!(model.links()[0].moved, None);
    model.advance(&Sample {
        links: vec![link("wlan0", 20, 20)],
        ..second(2)
    });
    assert_eq!(
        model.links()[0].moved,
        None,
        "the index has gone to another interface"
    );
}
