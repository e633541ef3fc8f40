use netperf_core::host_names::Numeric;
use netperf_core::model::path::fixtures::model;

use super::*;
use crate::render::output::Format;
use crate::render::output::tests::written_as;

fn written(format: Format, cycles: &[&str]) -> String {
    let path = model(cycles.iter().copied());
    written_as(format, &PathTick::new(&path, &Numeric, None))
}

fn text(width: Option<usize>) -> Format {
    Format::Text(Style {
        units: Units::Auto,
        width,
    })
}

#[test]
fn a_report_has_hops_figures_and_findings() {
    let cycles = ["r1 510, -, r3 1234, ! 20400", "r1 480, -, r3 1300, ! 21000"];
    insta::assert_snapshot!(written(text(Some(100)), &cycles));
}

#[test]
fn a_narrow_terminal_keeps_what_matters_most() {
    let text = written(text(Some(50)), &["r1 510, ! 20400"]);
    let headings = text.lines().find(|line| line.contains("HOP")).unwrap();
    assert!(
        headings.contains("LOSS") && headings.contains("AVG"),
        "{text}"
    );
    assert!(!headings.contains("JITTER"), "{text}");
}

#[test]
fn json_has_the_fields_of_the_contract() {
    let text = written(Format::Json, &["r1 510, ! 20400", "r1 500, -"]);
    let tick: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(tick["type"], "path");
    assert_eq!(tick["cycle"], 2);
    let hop = &tick["hops"][0];
    for field in [
        "ttl",
        "hosts",
        "sent",
        "received",
        "loss_percent",
        "last_us",
        "avg_us",
        "best_us",
        "worst_us",
        "stddev_us",
    ] {
        assert!(!hop[field].is_null(), "{field}: {hop}");
    }
    assert_eq!(hop["hosts"][0]["address"], "10.0.1.1");
    assert_eq!(tick["destination"]["loss_percent"], 50.0);
    assert_eq!(tick["destination"]["min_us"], 20_400);
    assert!(tick["findings"].is_array());
    assert_eq!(tick["loss"]["ring_lost"], 0);
    assert_eq!(tick["interval_s"], 1.0);
}

#[test]
fn a_host_name_can_not_steer_the_terminal() {
    let mut path = model(["r1 510, ! 20400"]);
    path.target.host = "\x1b[2Jevil".to_owned();
    for format in [text(None), Format::Json] {
        let out = written_as(format, &PathTick::new(&path, &Numeric, None));
        assert!(!out.contains('\x1b'), "{out}");
    }
}
