//! Made-up requests: what is said of them?

use std::net::SocketAddr;
use std::time::Duration;

use netperf_core::clock::WallNs;
use netperf_core::sample::http::{
    Connection, Marks, Phase, Reply, RequestReading, Shown, TargetReading, Tls,
};

use super::slo::Slo;
use super::*;

fn remote() -> SocketAddr {
    ([192, 0, 2, 1], 443).into()
}

/// A request whose phases ended after so many milliseconds.
fn request(ends_ms: [u64; 6], status: u16) -> RequestReading {
    let [dns, connect, tls, sent, first, total] = ends_ms.map(Duration::from_millis);
    RequestReading {
        marks: Marks {
            namelookup: Some(dns),
            connect: Some(connect),
            appconnect: Some(tls),
            pretransfer: Some(tls),
            posttransfer: Some(sent),
            starttransfer: Some(first),
            total,
        },
        connection: Some(Connection {
            remote: remote(),
            reused: false,
            rtt: Some(Duration::from_millis(10)),
            syn_retrans: Some(0),
        }),
        tls: Some(Tls {
            version: "TLSv1.3".to_owned(),
            cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
            alpn: Some("h2".to_owned()),
            resumed: false,
            shown: Some(Shown {
                chain_bytes: vec![1_200, 1_100],
                stapled: true,
                fault: None,
            }),
        }),
        reply: Some(Reply {
            version: "HTTP/2",
            status,
            location: None,
            server: Some("evil\x1b[2J".to_owned()),
            body_bytes: 1_256,
        }),
        ..RequestReading::default()
    }
}

fn sample(requests: Vec<RequestReading>) -> HttpSample {
    HttpSample {
        wall: WallNs(1_795_340_460_000_000_000),
        targets: vec![TargetReading {
            address: None,
            requests,
        }],
    }
}

pub(crate) fn options(slos: &str) -> HttpOptions {
    HttpOptions {
        url: "https://example.org/".to_owned(),
        method: "GET".to_owned(),
        keep_alive: false,
        slos: Slo::list(slos).unwrap_or_default(),
    }
}

/// Two requests, the second one with a slow server.
pub(crate) fn slow_server() -> HttpSample {
    sample(vec![
        request([5, 15, 40, 41, 90, 100], 200),
        request([5, 15, 40, 41, 900, 1_000], 200),
    ])
}

fn has(tick: &HttpTick, level: Level, part: &str) {
    let fits =
        |it: &&Finding| it.level == level && format!("{} {}", it.what, it.evidence).contains(part);
    assert!(
        tick.findings.iter().any(|it| fits(&it)),
        "{:#?}",
        tick.findings
    );
}

#[test]
fn the_phase_with_the_largest_share_is_named_with_its_causes() {
    let tick = HttpTick::new(&slow_server(), &options(""));
    has(&tick, Level::Ok, "waiting for the first byte");
    let longest = tick.targets[0].longest.unwrap();
    assert_eq!((longest.phase, longest.avg_us), ("wait", 454_000));
    let shares: f64 = tick.targets[0]
        .phases
        .iter()
        .map(|it| it.share_percent)
        .sum();
    assert!((shares - 100.0).abs() < 1e-6, "{shares}");
    assert!(tick.failure().is_none());
}

#[test]
fn connecting_is_counted_in_round_trips() {
    let far = sample(vec![request([0, 1_015, 1_020, 1_021, 1_031, 1_032], 200)]);
    let tick = HttpTick::new(&far, &options(""));
    has(
        &tick,
        Level::Ok,
        "one round trip is 10.0 ms, so this is 101.5 of them",
    );
}

#[test]
fn what_is_quick_is_not_blamed() {
    let quick = sample(vec![request([0, 1, 2, 3, 4, 4], 200)]);
    has(
        &HttpTick::new(&quick, &options("")),
        Level::Ok,
        "no phase is slow",
    );
}

#[test]
fn limits_are_held_against_the_95th_percentile() {
    let tick = HttpTick::new(
        &slow_server(),
        &options("total=500ms,ttfb=1s,wait=900ms,dns=4ms"),
    );
    let met: Vec<_> = tick.slo.iter().map(|it| (it.p95_us, it.met)).collect();
    assert_eq!(
        met,
        [
            (Some(1_000_000), false),
            (Some(900_000), true),
            (Some(859_000), true),
            (Some(5_000), false)
        ]
    );
    assert!(tick.failure().is_some());
}

#[test]
fn a_limit_that_nothing_could_be_held_against_is_not_met() {
    let failed = RequestReading {
        failure: Some("not finished".to_owned()),
        ..request([1, 2, 3, 4, 5, 6], 200)
    };
    let tick = HttpTick::new(&sample(vec![failed]), &options("total=1s"));
    assert!(!tick.slo[0].met && tick.slo[0].p95_us.is_none());
}

#[test]
fn what_failed_has_the_phase_it_failed_in_and_no_length_for_it() {
    let failed = RequestReading {
        marks: Marks {
            appconnect: None,
            pretransfer: None,
            posttransfer: None,
            starttransfer: None,
            ..request([1, 2, 3, 4, 5, 6], 200).marks
        },
        reply: None,
        failure: Some("invalid peer certificate: Expired".to_owned()),
        ..request([1, 2, 3, 4, 5, 6], 200)
    };
    let tick = HttpTick::new(&sample(vec![failed]), &options(""));
    has(
        &tick,
        Level::Critical,
        "the TLS handshake failed: invalid peer certificate",
    );
    let row = &tick.targets[0].requests[0];
    assert_eq!(row.failed_in, Some("tls"));
    assert_eq!(
        row.phases_us.keys().copied().collect::<Vec<_>>(),
        ["connect", "dns"]
    );
    assert_eq!(tick.targets[0].longest.map(|it| it.phase), None);
}

#[test]
fn lost_syns_bad_statuses_and_dead_addresses_are_found() {
    let mut odd = request([0, 1_015, 1_020, 1_021, 1_031, 1_032], 503);
    odd.connection = odd.connection.map(|it| Connection {
        syn_retrans: Some(1),
        ..it
    });
    odd.refused = vec![(([192, 0, 2, 9], 443).into(), "No route to host".to_owned())];
    let tick = HttpTick::new(&sample(vec![odd]), &options(""));
    has(
        &tick,
        Level::Warn,
        "the first packet of a connection was lost",
    );
    has(&tick, Level::Critical, "status 503");
    has(&tick, Level::Warn, "192.0.2.9:443");
}

#[test]
fn every_phase_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = Phase::ALL.map(name_of).into();
    assert_eq!(names.len(), Phase::ALL.len());
}
