use netperf_core::fixtures::{flow, moved, process, second, session};
use netperf_core::host_names::Numeric;
use netperf_core::model::Model;
use netperf_core::model::query::{FlowQuery, ProcessQuery};
use netperf_core::sample::{Proto, Sample};
use regex::Regex;
use serde_json::Value;

use super::flows::{FlowsOptions, FlowsTick};
use super::sort::{Figures, Sort, SortKey};
use super::top::{Top, TopOptions};

/// Fields of `P` in the contract.
const P: [&str; 20] = [
    "pid",
    "host_pid",
    "start_time",
    "name",
    "exe",
    "cmdline",
    "uid",
    "user",
    "cgroup",
    "container",
    "netns",
    "alive",
    "tx_bytes",
    "rx_bytes",
    "tx_bytes_per_s",
    "rx_bytes_per_s",
    "tx_total",
    "rx_total",
    "retrans",
    "connections",
];

/// Fields of `F` in the contract.
const F: [&str; 18] = [
    "proto",
    "local",
    "remote",
    "netns",
    "pid",
    "host_pid",
    "name",
    "tx_bytes",
    "rx_bytes",
    "tx_bytes_per_s",
    "rx_bytes_per_s",
    "tx_bytes_per_s_10s",
    "rx_bytes_per_s_10s",
    "tx_bytes_per_s_40s",
    "rx_bytes_per_s_40s",
    "state",
    "srtt_us",
    "retrans",
];

/// Fields of every tick.
const TICK: [&str; 4] = ["type", "time", "interval_s", "loss"];

fn json(object: &impl serde::Serialize) -> Value {
    serde_json::to_value(object).unwrap()
}

fn has(object: &Value, fields: &[&str]) {
    for field in fields {
        assert!(
            object.get(field).is_some(),
            "`{field}` is missing in {object}"
        );
    }
}

fn names(model: &Model, options: &TopOptions) -> Vec<String> {
    let top = Top::new(model, options, &Numeric);
    top.processes
        .iter()
        .map(|row| row.name.to_owned())
        .collect()
}

fn remotes(options: &FlowsOptions) -> usize {
    FlowsTick::new(&session(), options, &Numeric).flows.len()
}

#[test]
fn a_tick_of_top_has_every_field_of_the_contract() {
    let options = TopOptions {
        connections: true,
        ..TopOptions::default()
    };
    let top = json(&Top::new(&session(), &options, &Numeric));
    has(&top, &TICK);
    has(&top, &["processes", "total", "interfaces"]);
    has(&top["processes"][0], &P);
    has(&top["processes"][0]["connections"][0], &F);
    has(&top["total"], &["tx_bytes", "rx_bytes"]);
    has(
        &top["interfaces"][0],
        &["name", "tx_bytes", "rx_bytes", "speed_mbit"],
    );
    has(&top["loss"], &["ring_lost", "map_full", "unread"]);
}

#[test]
fn a_tick_of_flows_has_every_field_of_the_contract() {
    let tick = json(&FlowsTick::new(
        &session(),
        &FlowsOptions::default(),
        &Numeric,
    ));
    has(&tick, &TICK);
    has(&tick["flows"][0], &F);
    let by = FlowsOptions {
        by_remote: true,
        ..FlowsOptions::default()
    };
    let tick = json(&FlowsTick::new(&session(), &by, &Numeric));
    assert_eq!(tick["remotes"][0]["remote"], "192.168.50.20");
    assert_eq!(tick["remotes"][0]["flows"], 2);
}

#[test]
fn values_are_typed_as_the_contract_has_them() {
    let top = json(&Top::new(&session(), &TopOptions::default(), &Numeric));
    assert_eq!(top["type"], "top");
    assert_eq!(top["time"], "2026-11-22T09:41:03.000000000Z");
    assert_eq!(top["interval_s"], 1.0);
    let rsync = &top["processes"][0];
    assert_eq!(rsync["tx_bytes"], 52_428_800);
    assert_eq!(rsync["tx_bytes_per_s"], 52_428_800);
    assert_eq!(rsync["tx_total"], 157_286_400);
    assert_eq!(rsync["start_time"], "2026-11-22T09:41:00.000000000Z");
    assert_eq!(rsync["container"], Value::Null);
    assert_eq!(rsync.get("connections"), None);
    let flows = json(&FlowsTick::new(
        &session(),
        &FlowsOptions::default(),
        &Numeric,
    ));
    assert_eq!(flows["flows"][0]["state"], "ESTABLISHED");
    assert_eq!(flows["flows"][0]["remote"], "192.168.50.20:873");
    assert_eq!(flows["flows"][2]["proto"], "udp");
    assert_eq!(flows["flows"][2]["remote"], "[::]:0");
    assert_eq!(flows["flows"][2]["state"], Value::Null);
}

#[test]
fn the_total_is_that_of_the_chosen_processes_whatever_fits_the_rows() {
    let options = TopOptions {
        rows: Some(1),
        ..TopOptions::default()
    };
    let top = json(&Top::new(&session(), &options, &Numeric));
    assert_eq!(top["processes"].as_array().unwrap().len(), 1);
    assert_eq!(top["total"]["tx_bytes"], 52_428_800 + 1_500_000);
    let query = ProcessQuery {
        name: Some(Regex::new("^nginx$").unwrap()),
        ..ProcessQuery::default()
    };
    let options = TopOptions {
        processes: query,
        ..TopOptions::default()
    };
    let top = json(&Top::new(&session(), &options, &Numeric));
    assert_eq!(top["total"]["tx_bytes"], 1_500_000);
}

#[test]
fn a_filter_that_takes_nothing_tells_what_there_is_without_it() {
    let options = |name| TopOptions {
        processes: ProcessQuery {
            name: Some(Regex::new(name).unwrap()),
            ..ProcessQuery::default()
        },
        ..TopOptions::default()
    };
    let model = session();
    let missed = json(&Top::new(&model, &options("^postgres$"), &Numeric));
    assert_eq!(missed["without_filter"]["rows"], 2);
    assert_eq!(missed["without_filter"]["tx_bytes"], 52_428_800 + 1_500_000);
    for taken in [options("^nginx$"), TopOptions::default()] {
        let top = json(&Top::new(&model, &taken, &Numeric));
        assert_eq!(top.get("without_filter"), None);
    }
}

#[test]
fn processes_that_moved_nothing_are_shown_only_where_wanted() {
    let model = session();
    assert_eq!(names(&model, &TopOptions::default()), ["rsync", "nginx"]);
    let idle = TopOptions {
        idle: true,
        ..TopOptions::default()
    };
    assert_eq!(names(&model, &idle), ["rsync", "nginx", "\x1b[2Jevil"]);
}

#[test]
fn rows_are_in_the_chosen_order() {
    let model = session();
    let sorted = |key, figures| {
        let sort = Sort { key, figures };
        names(
            &model,
            &TopOptions {
                idle: true,
                sort,
                ..TopOptions::default()
            },
        )
        .join(" ")
    };
    assert_eq!(
        sorted(SortKey::Tx, Figures::Rates),
        "rsync nginx \x1b[2Jevil"
    );
    assert_eq!(
        sorted(SortKey::Rx, Figures::Rates),
        "nginx rsync \x1b[2Jevil"
    );
    assert_eq!(
        sorted(SortKey::Rx, Figures::Totals),
        "nginx rsync \x1b[2Jevil"
    );
    assert_eq!(
        sorted(SortKey::Pid, Figures::Rates),
        "nginx rsync \x1b[2Jevil"
    );
    assert_eq!(
        sorted(SortKey::Name, Figures::Rates),
        "\x1b[2Jevil nginx rsync"
    );
    assert_eq!(
        sorted(SortKey::Retrans, Figures::Rates),
        "nginx rsync \x1b[2Jevil",
        "by pid"
    );
}

#[test]
fn equals_stand_in_the_order_of_their_pids() {
    let processes = [30, 10, 20].map(|tgid| moved(&process(tgid, &tgid.to_string()), 5, 5));
    let mut model = Model::new(&second(0));
    model.advance(&Sample {
        processes: processes.into(),
        ..second(1)
    });
    assert_eq!(names(&model, &TopOptions::default()), ["10", "20", "30"]);
}

#[test]
fn flows_are_filtered_by_what_they_are() {
    let query = |flows| FlowsOptions {
        flows,
        ..FlowsOptions::default()
    };
    let default = FlowQuery::default;
    assert_eq!(remotes(&query(default())), 3);
    assert_eq!(
        remotes(&query(FlowQuery {
            port: Some(873),
            ..default()
        })),
        2
    );
    assert_eq!(
        remotes(&query(FlowQuery {
            port: Some(5353),
            ..default()
        })),
        1
    );
    assert_eq!(
        remotes(&query(FlowQuery {
            proto: Some(Proto::Udp),
            ..default()
        })),
        1
    );
    for (network, count) in [("192.168.0.0/16", 2), ("10.0.0.0/8", 0), ("::/0", 1)] {
        let remote = network.parse().ok();
        assert_eq!(
            remotes(&query(FlowQuery {
                remote,
                ..default()
            })),
            count,
            "{network}"
        );
    }
    for (iface, count) in [("eth0", 2), ("eth1", 0)] {
        let iface = Some(iface.to_owned());
        assert_eq!(remotes(&query(FlowQuery { iface, ..default() })), count);
    }
}

#[test]
fn a_search_finds_what_is_shown_of_a_flow() {
    let search = |text: &str| {
        let anything = Some(Regex::new(text).unwrap());
        let processes = ProcessQuery {
            anything,
            ..ProcessQuery::default()
        };
        remotes(&FlowsOptions {
            processes,
            ..FlowsOptions::default()
        })
    };
    assert_eq!(search("nginx"), 1);
    assert_eq!(search(r"192\.168"), 2);
    assert_eq!(search("8821"), 1);
    assert_eq!(search("backup"), 3);
    assert_eq!(search("postgres"), 0);
}

#[test]
fn connections_stand_below_their_own_process() {
    let (a, b) = (process(1, "a"), process(2, "b"));
    let mut model = Model::new(&second(0));
    model.advance(&Sample {
        processes: vec![moved(&a, 9, 0), moved(&b, 3, 0)],
        flows: vec![flow(&a, 1, 4, 0), flow(&a, 2, 5, 0), flow(&b, 1, 3, 0)],
        ..second(1)
    });
    let options = TopOptions {
        connections: true,
        ..TopOptions::default()
    };
    let top = Top::new(&model, &options, &Numeric);
    let bytes = |row: usize| -> Vec<_> {
        let connections = top.processes[row].connections.as_ref().unwrap();
        connections
            .iter()
            .map(|flow| flow.tx_bytes.unwrap())
            .collect()
    };
    assert_eq!(bytes(0), [5, 4]);
    assert_eq!(bytes(1), [3]);
}
