use netperf_core::fixtures::{process, socket, sockets};
use netperf_core::model::query::ProcessQuery;
use netperf_core::model::states::StatesModel;
use netperf_core::sample::network::{NetworkReading, PortRange};
use netperf_core::sample::refusal::{RefusalReading, RefusedCall, RefusedFor};
use netperf_core::sample::socket::{SocketReading, SocketSample};
use netperf_core::sample::state_set::StateSet;
use netperf_core::sample::{Proto, TcpState};
use netperf_core::text::width;
use serde_json::Value;

use super::*;
use crate::render::output::Format;
use crate::render::output::tests::{text_of, written_as};
use crate::view::states::StatesOptions;

const OPTIONS: StatesOptions = StatesOptions {
    states: StateSet::ALL,
    port: None,
    remote: None,
    processes: ProcessQuery {
        pids: Vec::new(),
        name: None,
        user: None,
        cgroup: None,
        anything: None,
    },
};

/// A few sockets, a destination without a free port, and a name that would steer a terminal.
fn sample() -> SocketSample {
    let mut sample = sockets();
    let netns = sample.namespaces[0];
    for (at, socket) in sample.sockets.iter_mut().enumerate() {
        socket.cookie = at as u64;
    }
    let taken = |port: u16| {
        socket(
            TcpState::TimeWait,
            0,
            &format!("10.0.0.5:{port}"),
            "10.0.0.10:5432",
        )
    };
    sample.sockets.extend((40_001..40_010).map(taken));
    sample.sockets.push(SocketReading {
        recv_q: 3,
        ..socket(TcpState::Listen, 4, "0.0.0.0:90", "0.0.0.0:0")
    });
    sample.networks = vec![NetworkReading {
        netns,
        ports: Some(PortRange {
            first: 40_000,
            last: 40_009,
            reserved: Vec::new(),
        }),
        ..NetworkReading::default()
    }];
    sample.own_namespace = Some(netns);
    sample
}

fn model() -> StatesModel {
    let mut model = StatesModel::default();
    model.advance(&sample(), &|socket| OPTIONS.takes(&sample(), socket));
    model
}

fn written(tick: &StatesTick<'_>, columns: Option<usize>, known_advice: &[Vec<String>]) -> String {
    let report = States { tick, known_advice };
    text_of(&report, columns)
}

fn text(columns: Option<usize>) -> String {
    let model = model();
    written(&StatesTick::new(&model, &OPTIONS), columns, &[])
}

#[test]
fn states_in_80_columns() {
    insta::assert_snapshot!(text(Some(80)));
}

#[test]
fn states_in_200_columns() {
    insta::assert_snapshot!(text(None));
}

#[test]
fn refused_calls_have_a_table() {
    let mut sample = sample();
    sample.refusals.readings.push(RefusalReading {
        process: process(9_000, "\x1b[2Jevil"),
        call: RefusedCall::Connect,
        error: RefusedFor::NotAvailable,
        proto: Proto::Tcp,
        address: "10.0.0.10:5432".parse().unwrap(),
        netns: sample.namespaces[0],
        count: 1_234,
        total: 1_234,
    });
    sample.refusals.loss.map_full = 3;
    let mut model = StatesModel::default();
    model.advance(&sample, &|socket| OPTIONS.takes(&sample, socket));
    let text = written(&StatesTick::new(&model, &OPTIONS), Some(100), &[]);
    assert!(text.contains("up to 3 refused calls"), "{text}");
    let mut lines = text.lines();
    assert!(lines.any(|line| line.starts_with("REFUSED")), "{text}");
    let row = lines.nth(1).unwrap();
    for word in [
        "9000",
        "evil",
        "connect",
        "10.0.0.10:5432",
        "EADDRNOTAVAIL",
        "1234",
    ] {
        assert!(row.contains(word), "{word}: {text}");
    }
    assert!(
        text.contains("connections fail") && !text.contains('\x1b'),
        "{text}"
    );
}

#[test]
fn advice_is_given_once_while_nothing_changes() {
    let model = model();
    let tick = StatesTick::new(&model, &OPTIONS);
    let advice = tick.findings.iter().map(|found| found.advice.clone());
    let advice: Vec<_> = advice.collect();
    let (first, second) = (written(&tick, None, &[]), written(&tick, None, &advice));
    assert!(
        first.contains("-> let the program") && !second.contains("->"),
        "{second}"
    );
    assert!(second.contains("10 of 10 ports"), "{second}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for columns in 80..220 {
        for line in text(Some(columns)).lines() {
            // A command that is too long is left whole, on a line of its own.
            let is_command = line.trim_start().starts_with('`');
            assert!(is_command || width(line) <= columns, "{columns}: {line}");
        }
    }
}

#[test]
fn no_text_from_outside_reaches_the_terminal_raw() {
    let text = text(Some(80));
    assert!(text.contains("evil") && !text.contains('\x1b'), "{text}");
}

#[test]
fn json_has_every_field_of_the_contract() {
    let model = model();
    let report = States {
        tick: &StatesTick::new(&model, &OPTIONS),
        known_advice: &[],
    };
    let tick: Value = serde_json::from_str(&written_as(Format::Json, &report)).unwrap();
    let has = |value: &Value, names: &[&str]| {
        for name in names {
            assert!(value.get(name).is_some(), "{name}: {value}");
        }
    };
    assert_eq!(tick["type"], "states");
    has(&tick, &["time", "interval_s", "counts", "findings", "loss"]);
    has(&tick["by_process"][0], &["pid", "name", "counts"]);
    let ports = [
        "local_addr",
        "remote",
        "netns",
        "time_wait",
        "in_use",
        "ports",
        "headroom",
        "growth_per_s",
        "exhausted_in_s",
    ];
    has(&tick["time_wait"][0], &ports);
    assert_eq!(tick["time_wait"][0]["remote"], "10.0.0.10:5432");
    let close_wait = ["pid", "name", "count", "oldest_s", "growth_per_s"];
    has(&tick["close_wait"][0], &close_wait);
    let listen = [
        "local",
        "pid",
        "name",
        "backlog",
        "backlog_max",
        "overflows",
    ];
    has(&tick["listen"][0], &listen);
    has(
        &tick["findings"][0],
        &["level", "what", "evidence", "advice"],
    );
    assert_eq!(tick["findings"][0]["level"], "critical");
}
