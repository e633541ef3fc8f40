use std::rc::Rc;

use crate::view::fixtures::start;
use netperf_core::clock::WallNs;
use netperf_core::collect::HookPreference;
use netperf_core::fixtures::{lossy_session, machine, second, session};
use netperf_core::host_names::Numeric;
use netperf_core::model::Model;
use netperf_core::sample::{Loss, Sample};
use netperf_core::units::Units;

use super::json::Json;
use super::preflight;
use super::stream::Format;
use super::text::Text;
use crate::view::View;
use crate::view::envelope::{End, Reason};
use crate::view::flows::FlowsOptions;
use crate::view::retrans::RetransOptions;
use crate::view::time::Rfc3339;
use crate::view::top::TopOptions;
use netperf_diagnose::preflight::Preflight;

fn text(view: View, model: &Model) -> String {
    let mut format = Text::new(view, Rc::new(Numeric), Units::Auto);
    let mut out = Vec::new();
    format.start(&start(), &mut out).unwrap();
    format.tick(model, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn top() -> TopOptions {
    TopOptions {
        idle: true,
        ..TopOptions::default()
    }
}

#[test]
fn text_of_top() {
    insta::assert_snapshot!(text(View::Top(top()), &session()));
}

#[test]
fn text_of_top_with_connections() {
    let options = TopOptions {
        connections: true,
        ..top()
    };
    insta::assert_snapshot!(text(View::Top(options), &session()));
}

#[test]
fn text_of_flows() {
    insta::assert_snapshot!(text(View::Flows(FlowsOptions::default()), &session()));
}

#[test]
fn text_of_flows_by_remote() {
    let options = FlowsOptions {
        by_remote: true,
        ..FlowsOptions::default()
    };
    insta::assert_snapshot!(text(View::Flows(options), &session()));
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
    insta::assert_snapshot!(text(View::Top(TopOptions::default()), &model));
}

#[test]
fn text_of_retrans() {
    insta::assert_snapshot!(text(
        View::Retrans(RetransOptions::default()),
        &lossy_session()
    ));
}

#[test]
fn a_tick_without_losses_says_so() {
    let text = text(View::Retrans(RetransOptions::default()), &session());
    assert!(text.contains("nothing was sent again"), "{text}");
}

#[test]
fn text_has_no_escape_codes() {
    for view in [View::Top(top()), View::Flows(FlowsOptions::default())] {
        let text = text(view, &session());
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n'),
            "{text}"
        );
    }
}

#[test]
fn json_is_one_object_a_line() {
    let mut format = Json::new(View::Top(top()), Rc::new(Numeric));
    let mut out = Vec::new();
    format.start(&start(), &mut out).unwrap();
    format.tick(&session(), &mut out).unwrap();
    let end = End {
        slots_in_use: 0,
        time: Rfc3339(WallNs(0)),
        ticks: 1,
        reason: Reason::Signal,
    };
    format.end(&end, &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
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
    let found = Preflight::new(&machine(), HookPreference::Auto);
    insta::assert_snapshot!(preflight::text(&found));
}

#[test]
fn hostile_text_in_a_finding_is_one_harmless_line() {
    let mut machine = machine();
    machine.kernel.host = Some("a\nb\u{1b}[2J".to_owned());
    machine.hook_sets = Err("first\n  second\u{1b}[2J".to_owned());
    let found = Preflight::new(&machine, HookPreference::Auto);
    let text = preflight::text(&found);
    assert!(text.contains("first;   second\\x1b[2J"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains("a\nb"), "{text}");
}
