use crate::view::fixtures::start;
use netperf_core::clock::WallNs;
use netperf_core::collect::HookPreference;
use netperf_core::fixtures::{lossy_session, machine, second, session};
use netperf_core::host_names::Numeric;
use netperf_core::model::Model;
use netperf_core::sample::{Loss, Sample};

use super::batch::{Banner, OnHost};
use super::output::tests::{text_of, written_as};
use super::output::{Format, Silent};
use super::retrans::Losses;
use crate::view::envelope::{End, Reason};
use crate::view::flows::{FlowsOptions, FlowsTick};
use crate::view::preflight::Readiness;
use crate::view::retrans::{RetransOptions, RetransTick};
use crate::view::time::Rfc3339;
use crate::view::top::{Top, TopOptions};

fn banner() -> String {
    text_of(&Banner(&start()), None)
}

fn text_of_top_as(options: &TopOptions, model: &Model) -> String {
    let report = OnHost {
        tick: &Top::new(model, options, &Numeric),
        sort: options.sort,
        host: &start().host,
    };
    banner() + &text_of(&report, None)
}

fn text_of_flows_as(options: &FlowsOptions) -> String {
    let session = session();
    let report = OnHost {
        tick: &FlowsTick::new(&session, options, &Numeric),
        sort: options.sort,
        host: &start().host,
    };
    banner() + &text_of(&report, None)
}

fn text_of_losses(model: &Model) -> String {
    let options = RetransOptions::default();
    let report = Losses {
        tick: &RetransTick::new(model, &options, &Numeric),
        sort: options.sort,
        host: &start().host,
        watched_with: None,
    };
    banner() + &text_of(&report, None)
}

fn top() -> TopOptions {
    TopOptions {
        idle: true,
        ..TopOptions::default()
    }
}

#[test]
fn text_of_top() {
    insta::assert_snapshot!(text_of_top_as(&top(), &session()));
}

#[test]
fn text_of_top_with_connections() {
    let options = TopOptions {
        connections: true,
        ..top()
    };
    insta::assert_snapshot!(text_of_top_as(&options, &session()));
}

#[test]
fn text_of_flows() {
    insta::assert_snapshot!(text_of_flows_as(&FlowsOptions::default()));
}

#[test]
fn text_of_flows_by_remote() {
    let options = FlowsOptions {
        by_remote: true,
        ..FlowsOptions::default()
    };
    insta::assert_snapshot!(text_of_flows_as(&options));
}

#[test]
fn a_tick_without_traffic_says_so_and_loss_is_never_silent() {
    let loss = Loss {
        ring_lost: 5,
        map_full: 2,
        unread: 1,
    };
    let mut model = Model::new(&second(0));
    model.advance(&Sample {
        loss,
        degraded: vec!["links: gone".to_owned()],
        ..second(1)
    });
    insta::assert_snapshot!(text_of_top_as(&TopOptions::default(), &model));
}

#[test]
fn text_of_retrans() {
    insta::assert_snapshot!(text_of_losses(&lossy_session()));
}

#[test]
fn a_tick_without_losses_says_so() {
    let text = text_of_losses(&session());
    assert!(text.contains("nothing was sent again"), "{text}");
}

#[test]
fn text_has_no_escape_codes() {
    let flows = text_of_flows_as(&FlowsOptions::default());
    for text in [text_of_top_as(&top(), &session()), flows] {
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n'),
            "{text}"
        );
    }
}

#[test]
fn json_is_one_object_a_line() {
    let session = session();
    let report = OnHost {
        tick: &Top::new(&session, &top(), &Numeric),
        sort: top().sort,
        host: "",
    };
    let end = End {
        slots_in_use: 0,
        time: Rfc3339(WallNs(0)),
        ticks: 1,
        reason: Reason::Signal,
    };
    let out = [
        written_as(Format::Json, &Banner(&start())),
        written_as(Format::Json, &report),
        written_as(Format::Json, &Silent(&end)),
    ];
    let out = out.concat();
    let lines: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let types: Vec<_> = lines
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["start", "top", "end"]);
    assert_eq!(lines[0]["schema"], 1);
    assert_eq!(lines[0]["hooks"][0]["attach"], "tp_btf/sock_send_length");
    for field in [
        "version",
        "command",
        "time",
        "host",
        "kernel",
        "unavailable",
    ] {
        assert!(lines[0].get(field).is_some(), "{field}");
    }
    assert_eq!(
        lines[2],
        serde_json::json!({
            "type": "end", "time": "1970-01-01T00:00:00.000000000Z", "ticks": 1, "slots_in_use": 0, "reason": "signal"
        })
    );
}

#[test]
fn text_of_preflight() {
    let report = Readiness::new(&machine(), HookPreference::Auto, Rfc3339(WallNs(0)));
    insta::assert_snapshot!(text_of(&report, None));
}

#[test]
fn hostile_text_in_a_finding_is_one_harmless_line() {
    let mut machine = machine();
    machine.kernel.host = Some("a\nb\u{1b}[2J".to_owned());
    machine.hook_sets = Err("first\n  second\u{1b}[2J".to_owned());
    let report = Readiness::new(&machine, HookPreference::Auto, Rfc3339(WallNs(0)));
    let text = text_of(&report, None);
    assert!(text.contains("first;   second\\x1b[2J"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains("a\nb"), "{text}");
}
