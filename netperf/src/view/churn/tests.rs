//! The rows of `states --watch` are as documented.

use std::num::NonZeroU32;

use netperf_core::fixtures::{NETNS, process, second, transition};
use netperf_core::model::query::ProcessQuery;
use netperf_core::sample::TcpState;
use netperf_core::sample::state_set::StateSet;
use serde_json::{Value, json};

use super::*;
use crate::view::event_row::EventRow;

fn options() -> ChurnOptions {
    ChurnOptions {
        states: StatesOptions {
            states: StateSet::ALL,
            port: None,
            remote: None,
            processes: ProcessQuery::default(),
        },
        netns: None,
        sample: NonZeroU32::MIN,
    }
}

fn opened_and_waiting() -> [ConnectionEvent; 2] {
    let curl = process(7, "curl");
    let ends = ("10.0.0.5:40000", "10.0.0.10:5432");
    [
        transition(&curl, ends, (TcpState::SynSent, TcpState::Established)),
        transition(&curl, ends, (TcpState::FinWait2, TcpState::TimeWait)),
    ]
}

#[test]
fn a_transition_has_its_process_both_states_and_the_time_in_the_first() {
    let [_, waiting] = opened_and_waiting();
    let row = serde_json::to_value(EventRow::of(&waiting)).unwrap();
    let expected = json!({
        "type": "transition",
        "time": "1970-01-01T00:00:01.000000000Z",
        "proto": "tcp",
        "local": "10.0.0.5:40000",
        "remote": "10.0.0.10:5432",
        "netns": NETNS,
        "pid": 7,
        "host_pid": null,
        "name": "curl",
        "old": "FIN_WAIT2",
        "new": "TIME_WAIT",
        "in_old_us": 500_000,
    });
    assert_eq!(row, expected);
}

fn tick(sample: u32) -> Value {
    let options = ChurnOptions {
        sample: NonZeroU32::new(sample).unwrap(),
        ..options()
    };
    let mut model = Model::new(&second(1));
    model.note(&opened_and_waiting());
    model.advance(&second(3));
    let first = serde_json::to_value(ChurnTick::new(&model, &options)).unwrap();
    model.advance(&second(4));
    let next = ChurnTick::new(&model, &options);
    assert_eq!(next.counts.total(), 0, "a tick has its own transitions");
    first
}

#[test]
fn a_tick_counts_per_second_by_state_process_and_destination() {
    let tick = tick(1);
    assert_eq!(tick["type"], "churn");
    assert_eq!(
        tick["per_s"],
        json!({ "ESTABLISHED": 0.5, "TIME_WAIT": 0.5 })
    );
    assert_eq!(tick["by_process"][0]["pid"], 7);
    assert_eq!(tick["by_process"][0]["per_s"], tick["per_s"]);
    let destination = json!([{
        "local_addr": "10.0.0.5",
        "remote": "10.0.0.10:5432",
        "netns": NETNS,
        "begun_per_s": 0.5,
        "ended_per_s": 0.0,
        "pids": [7],
        "names": ["curl"],
    }]);
    assert_eq!(tick["time_wait"], destination);
    assert_eq!(tick["time_wait_accepted"], json!([]));
}

#[test]
fn a_share_stands_for_all() {
    let tick = tick(10);
    assert_eq!(tick["sample"], 10);
    assert_eq!(tick["counts"]["TIME_WAIT"], 1);
    assert_eq!(tick["per_s"]["TIME_WAIT"], 5.0);
    assert_eq!(tick["time_wait"][0]["begun_per_s"], 5.0);
}

#[test]
fn filters_choose_by_either_state_by_end_process_and_namespace() {
    let all = opened_and_waiting();
    let taken = |options: &ChurnOptions| all.iter().filter(|one| options.wants(one)).count();
    assert_eq!(taken(&options()), 2);
    let of_states = |states: &[TcpState]| {
        let mut options = options();
        options.states.states = StateSet::of(states.iter().copied());
        options
    };
    assert_eq!(taken(&of_states(&[TcpState::FinWait2])), 1);
    assert_eq!(taken(&of_states(&[TcpState::TimeWait])), 1);
    assert_eq!(taken(&of_states(&[TcpState::Listen])), 0);
    let mut other_port = options();
    other_port.states.port = Some(80);
    assert_eq!(taken(&other_port), 0);
    let mut other_process = options();
    other_process.states.processes.pids = vec![8];
    assert_eq!(taken(&other_process), 0);
    let elsewhere = ChurnOptions {
        netns: Some(NETNS + 1),
        ..options()
    };
    assert_eq!(taken(&elsewhere), 0);
}
