use netperf_core::clock::{MonoNs, WallNs};
use netperf_core::fixtures::{lossy_session, process, second};
use netperf_core::host_names::Numeric;
use netperf_core::model::Model;
use netperf_core::model::query::{FlowQuery, ProcessQuery};
use netperf_core::sample::TcpState;
use netperf_core::sample::event::{ConnectionEvent, EventKind, Retransmission};
use netperf_core::sample::losses::RetransKind;
use serde_json::Value;

use super::{RetransOptions, RetransTick};
use crate::view::event_row::EventRow;

fn json(options: &RetransOptions) -> Value {
    serde_json::to_value(RetransTick::new(&lossy_session(), options, &Numeric)).unwrap()
}

#[test]
fn a_tick_has_what_was_lost_in_it_and_no_more() {
    let tick = json(&RetransOptions::default());
    assert_eq!(tick["type"], "retrans");
    assert_eq!(tick["flows"].as_array().unwrap().len(), 1);
    let row = &tick["flows"][0];
    assert_eq!((&row["pid"], &row["retrans"]), (&8821.into(), &5.into()));
    assert_eq!(row["segments_sent"], 50);
    assert_eq!(row["loss_percent"], 10.0);
    assert_eq!(row["kinds"]["rto"], 0, "they came in the tick before");
    assert_eq!(row["cwnd"], 10);
}

#[test]
fn the_share_of_a_process_is_that_of_all_its_connections() {
    let tick = json(&RetransOptions::default());
    let rows = tick["processes"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "who lost nothing is not there");
    assert_eq!(rows[0]["retrans"], 5);
    assert_eq!(rows[0]["loss_percent"], 5.0);
    assert_eq!(tick["remotes"][0]["segments_sent"], 150);
    assert_eq!(tick["remotes"][0]["names"], serde_json::json!(["rsync"]));
    assert_eq!(tick["total"]["segments_sent"], 150);
}

#[test]
fn resets_and_drops_are_summed_up_and_explained() {
    let tick = json(&RetransOptions::default());
    assert_eq!(tick["resets"][0]["count"], 3, "the most first");
    assert!(tick["resets"][0]["netns"].is_null());
    let total = &tick["total"];
    assert_eq!(
        (&total["resets_sent"], &total["resets_received"]),
        (&1.into(), &3.into())
    );
    assert_eq!(tick["drops"][0]["reason"], "SOCKET_RCVBUFF");
    assert!(
        tick["drops"][0]["what"]
            .as_str()
            .unwrap()
            .contains("does not read")
    );
}

#[test]
fn a_filter_keeps_its_processes_and_no_packets_without_an_owner() {
    let tick = json(&RetransOptions {
        processes: ProcessQuery {
            pids: vec![412],
            ..ProcessQuery::default()
        },
        ..RetransOptions::default()
    });
    assert!(tick["flows"].as_array().unwrap().is_empty());
    assert_eq!(tick["resets"].as_array().unwrap().len(), 1);
    assert!(tick["drops"].as_array().unwrap().is_empty());
}

#[test]
fn an_event_is_shown_if_the_options_select_it() {
    let event = ConnectionEvent {
        at: MonoNs(5),
        wall: WallNs(1_000_000_000),
        process: process(412, "nginx"),
        local: "10.0.0.5:80".parse().unwrap(),
        remote: "10.0.0.9:1024".parse().unwrap(),
        netns: 7,
        what: EventKind::Retransmit(Retransmission {
            kind: RetransKind::Tlp,
            state: Some(TcpState::Established),
            srtt_us: Some(73),
            cwnd: 10,
        }),
    };
    let model = Model::new(&second(0));
    let shown = |port| {
        let options = RetransOptions {
            flows: FlowQuery {
                port,
                ..FlowQuery::default()
            },
            ..RetransOptions::default()
        };
        let taken = options.wants(&event, &model);
        taken.then(|| serde_json::to_value(EventRow::of(&event)).unwrap())
    };
    let row = shown(Some(80)).unwrap();
    assert_eq!(
        (&row["type"], &row["kind"]),
        (&"retransmit".into(), &"tlp".into())
    );
    assert_eq!(
        (&row["state"], &row["pid"]),
        (&"ESTABLISHED".into(), &412.into())
    );
    assert_eq!(row["time"], "1970-01-01T00:00:01.000000000Z");
    assert_eq!(shown(Some(443)), None);
}
