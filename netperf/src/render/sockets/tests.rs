use crate::view::fixtures::every_socket;
use netperf_core::fixtures::sockets;
use netperf_core::text::width;
use regex::Regex;
use serde_json::Value;

use super::*;
use crate::render::output::Format;
use crate::render::output::tests::{text_of, written_as};
use crate::view::socket_filter::parse;
use crate::view::sockets::SocketsOptions;

const PLAIN: Show = Show::Rows {
    info: false,
    explain: false,
};

/// With all that is known.
const ALL: Show = Show::Rows {
    info: true,
    explain: true,
};

fn text(show: Show, columns: usize, options: &SocketsOptions) -> String {
    let sample = sockets();
    let tick = &SocketsTick::new(&sample, options, Some(2.0));
    let listing = Listing {
        tick,
        show,
        repeated: false,
    };
    text_of(&listing, Some(columns))
}

#[test]
fn sockets_in_80_columns() {
    insta::assert_snapshot!(text(PLAIN, 80, &every_socket()));
}

#[test]
fn sockets_in_200_columns() {
    let sample = sockets();
    let listing = Listing {
        tick: &SocketsTick::new(&sample, &every_socket(), Some(2.0)),
        show: PLAIN,
        repeated: true,
    };
    insta::assert_snapshot!(text_of(&listing, None));
}

#[test]
fn sockets_explained_with_what_tcp_knows() {
    let options = SocketsOptions {
        explain: Some(Units::Auto),
        ..every_socket()
    };
    insta::assert_snapshot!(text(ALL, 80, &options));
}

#[test]
fn units_reach_the_queues_the_details_and_the_explanations() {
    let units = Units::Kbit;
    let options = SocketsOptions {
        explain: Some(units),
        ..every_socket()
    };
    let sample = sockets();
    let listing = Listing {
        tick: &SocketsTick::new(&sample, &options, Some(2.0)),
        show: ALL,
        repeated: false,
    };
    let width = Some(80);
    let text = written_as(Format::Text(Style { units, width }), &listing);
    assert!(text.contains("kbit  "), "{text}");
    let in_bytes = Regex::new("[0-9] ?[kMG]?B").unwrap();
    assert!(!in_bytes.is_match(&text), "{text}");
}

#[test]
fn summary_of_sockets() {
    insta::assert_snapshot!(text(Show::Summary, 80, &every_socket()));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for columns in 80..220 {
        let options = SocketsOptions {
            explain: Some(Units::Auto),
            ..every_socket()
        };
        for line in text(ALL, columns, &options).lines() {
            assert!(width(line) <= columns, "{columns}: {line}");
        }
    }
}

#[test]
fn nothing_to_show_and_nothing_to_explain_are_said() {
    let none = SocketsOptions {
        filter: parse("sport = :1").unwrap(),
        ..every_socket()
    };
    let said = text(PLAIN, 80, &none);
    assert!(
        said.starts_with("no socket matches the filter; without it: "),
        "{said}"
    );
    assert!(!said.contains("none either"), "{said}");
    let quiet = SocketsOptions {
        filter: parse("dport = :5432").unwrap(),
        explain: Some(Units::Auto),
        ..every_socket()
    };
    let explained = Show::Rows {
        info: false,
        explain: true,
    };
    assert!(text(explained, 80, &quiet).contains("no queue is long"));
}

#[test]
fn no_text_from_outside_reaches_the_terminal_raw() {
    assert!(!text(PLAIN, 80, &every_socket()).contains('\x1b'));
}

#[test]
fn json_has_every_field_of_the_contract() {
    let sample = sockets();
    let listing = Listing {
        tick: &SocketsTick::new(&sample, &every_socket(), None),
        show: PLAIN,
        repeated: false,
    };
    let tick: Value = serde_json::from_str(&written_as(Format::Json, &listing)).unwrap();
    assert_eq!(tick["type"], "sockets");
    let row = tick["sockets"][1].as_object().unwrap();
    for field in [
        "proto",
        "state",
        "recv_q",
        "send_q",
        "local",
        "remote",
        "pid",
        "name",
        "fd",
        "uid",
        "user",
        "cgroup",
        "unit",
        "container",
        "netns",
        "tcp_info",
    ] {
        assert!(row.contains_key(field), "{field}");
    }
    for field in [
        "srtt_us",
        "rttvar_us",
        "cwnd",
        "mss",
        "retrans",
        "bytes_acked",
        "bytes_received",
        "delivery_rate",
        "busy_us",
        "rwnd_limited_us",
        "sndbuf_limited_us",
    ] {
        let info = row["tcp_info"].as_object().unwrap();
        assert!(info.contains_key(field), "{field}");
    }
    assert_eq!(tick["summary"]["total"], 7);
    assert!(tick["loss"]["ring_lost"] == 0 && tick.as_object().unwrap().contains_key("interval_s"));
}
