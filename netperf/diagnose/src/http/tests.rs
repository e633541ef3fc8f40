//! Made-up requests: what is said of them?

use netperf_core::fixtures::http::{request, sample, slow_server};
use netperf_core::sample::http::{Connection, HttpSample, Marks, Phase, RequestReading};

use super::*;
use crate::condition::Condition;

/// Rows, and what is said of them.
struct Judged {
    targets: Vec<TargetRow>,
    slo: Vec<SloRow>,
    findings: Vec<Finding>,
}

impl Judged {
    fn new(sample: &HttpSample, slos: &str) -> Self {
        let targets: Vec<_> = sample.targets.iter().map(TargetRow::new).collect();
        let slos = Condition::list(slos).unwrap_or_default();
        let slo = slo::rows(&slos, &targets);
        Self {
            findings: findings(&targets, &slo, Units::Auto),
            targets,
            slo,
        }
    }
}

fn has(tick: &Judged, level: Level, part: &str) {
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
    let tick = Judged::new(&slow_server(), "");
    has(&tick, Level::Ok, "waiting for the first byte");
    let longest = tick.targets[0].longest.unwrap();
    assert_eq!((longest.phase, longest.avg_us), ("wait", 454_000));
    let shares: f64 = tick.targets[0]
        .phases
        .iter()
        .map(|it| it.share_percent)
        .sum();
    assert!((shares - 100.0).abs() < 1e-6, "{shares}");
    assert!(tick.findings.iter().all(|it| it.level != Level::Critical));
}

#[test]
fn connecting_is_counted_in_round_trips() {
    let far = sample(vec![request([0, 1_015, 1_020, 1_021, 1_031, 1_032], 200)]);
    let tick = Judged::new(&far, "");
    has(
        &tick,
        Level::Ok,
        "one round trip is 10.0 ms, so this is 101.5 of them",
    );
}

#[test]
fn what_is_quick_is_not_blamed() {
    let quick = sample(vec![request([0, 1, 2, 3, 4, 4], 200)]);
    has(&Judged::new(&quick, ""), Level::Ok, "no phase is slow");
}

#[test]
fn conditions_are_held_against_the_95th_percentile() {
    for (slo, p95_us, met) in [
        ("total=500ms", 1_000_000, false),
        ("total<=1s", 1_000_000, true),
        ("total<1s", 1_000_000, false),
        ("ttfb=1s", 900_000, true),
        ("wait<900ms", 859_000, true),
        ("wait>900ms", 859_000, false),
        ("dns=4ms", 5_000, false),
        ("dns>=5ms", 5_000, true),
    ] {
        let judged = Judged::new(&slow_server(), slo);
        let rows: Vec<_> = judged.slo.iter().map(|it| (it.p95_us, it.met)).collect();
        assert_eq!(rows, [(Some(p95_us), met)], "{slo}");
        let is_critical = |it: &Finding| it.level == Level::Critical;
        assert_eq!(judged.findings.iter().any(is_critical), !met, "{slo}");
    }
    let low = Judged::new(&slow_server(), "wait>900ms");
    has(&low, Level::Critical, "wait is under its limit");
    for wrong in [
        "total=0ms",
        "total=5",
        "tfb<1s",
        "total",
        "total=-1s",
        "total=1m",
    ] {
        assert!(
            wrong.parse::<Condition<slo::HttpMetric>>().is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn a_limit_that_nothing_could_be_held_against_is_not_met() {
    let failed = RequestReading {
        failure: Some("not finished".to_owned()),
        ..request([1, 2, 3, 4, 5, 6], 200)
    };
    let tick = Judged::new(&sample(vec![failed]), "total=1s");
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
    let tick = Judged::new(&sample(vec![failed]), "");
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
    let tick = Judged::new(&sample(vec![odd]), "");
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
    let names: std::collections::BTreeSet<_> = Phase::ALL.map(Phase::name).into();
    assert_eq!(names.len(), Phase::ALL.len());
}

fn text(tick: &Judged) -> String {
    let each = tick.findings.iter();
    let each = each.map(|it| format!("{} {} {}", it.what, it.evidence, it.advice.join(" ")));
    each.collect::<Vec<_>>().join("\n")
}

fn stopped(why: &str) -> RequestReading {
    RequestReading {
        failure: Some(why.to_owned()),
        timed_out: true,
        ..request([1, 2, 3, 4, 50, 2_000], 200)
    }
}

#[test]
fn an_answer_that_was_stopped_here_is_no_end_by_the_server() {
    let tick = Judged::new(&sample(vec![stopped("not finished within 2 s")]), "");
    has(
        &tick,
        Level::Critical,
        "reading the answer was stopped here: not finished within 2 s",
    );
    let text = text(&tick);
    assert!(
        text.contains("status 200 came, and 1.26 kB of the body"),
        "{text}"
    );
    assert!(
        text.contains("`--timeout`") && !text.contains("ended the connection"),
        "{text}"
    );
    let closed = RequestReading {
        timed_out: false,
        ..stopped("connection closed before message completed")
    };
    let tick = Judged::new(&sample(vec![closed]), "");
    assert!(self::text(&tick).contains("ended the connection"));
}

#[test]
fn a_client_certificate_that_is_wanted_is_named_where_that_ended_it() {
    let wanted = |why: &str| {
        let mut reading = RequestReading {
            timed_out: false,
            certificate_wanted: true,
            reply: None,
            ..stopped(why)
        };
        reading.marks.starttransfer = None;
        text(&Judged::new(&sample(vec![reading]), ""))
    };
    let demanded = wanted("connection error: received fatal alert: CertificateRequired");
    assert!(
        demanded.contains("demands a client certificate"),
        "{demanded}"
    );
    assert!(!demanded.contains("its load"), "{demanded}");
    let guessed = wanted("connection closed before message completed");
    assert!(
        guessed.contains("client certificate") && guessed.contains("may be why"),
        "{guessed}"
    );
    let late = RequestReading {
        certificate_wanted: true,
        ..stopped("not finished within 2 s")
    };
    let late = text(&Judged::new(&sample(vec![late]), ""));
    assert!(!late.contains("client certificate"), "{late}");
}

#[test]
fn what_is_no_http_is_not_called_silence() {
    let garbled = RequestReading {
        timed_out: false,
        reply: None,
        ..stopped("invalid HTTP version parsed")
    };
    let text = text(&Judged::new(&sample(vec![garbled]), ""));
    assert!(
        text.contains("reading the answer failed") && text.contains("not in HTTP"),
        "{text}"
    );
    assert!(!text.contains("did not answer"), "{text}");
}

#[test]
fn an_address_that_costs_its_head_start_is_named_and_no_other_cause() {
    let mut slow = request([0, 252, 252, 253, 254, 255], 200);
    let dead: std::net::SocketAddr = "[2001:db8::1]:443".parse().unwrap();
    slow.overtaken = vec![(dead, std::time::Duration::from_millis(251))];
    let fine = RequestReading {
        overtaken: Vec::new(),
        ..slow.clone()
    };
    let tick = Judged::new(&sample(vec![slow.clone(), slow]), "");
    has(
        &tick,
        Level::Warn,
        "[2001:db8::1]:443 (IPv6) does not answer in time",
    );
    has(
        &tick,
        Level::Warn,
        "after 251 ms, when 192.0.2.1:443 (IPv4) had: 2 of 2 new connections",
    );
    assert!(!text(&tick).contains("lost SYN"), "{}", text(&tick));
    let tick = Judged::new(&sample(vec![fine]), "");
    assert!(text(&tick).contains("lost SYN"), "{}", text(&tick));
}
