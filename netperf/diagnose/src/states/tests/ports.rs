use netperf_core::fixtures::socket;
use netperf_core::fixtures::states::{DATABASE, look, model, over, unclosed};
use netperf_core::sample::TcpState;

use super::*;

#[test]
fn time_wait_with_room_is_healthy_and_says_so() {
    let finding = found(&[look(1, over(300, DATABASE, 1_000))], "healthy");
    assert_eq!(finding.level, Level::Ok);
    assert!(
        finding
            .evidence
            .contains("300 of 1 000 ports to 10.0.0.10:5432")
    );
    assert!(advises(&finding, "nothing to do"));
}

#[test]
fn ports_that_run_out_are_advised_upon_in_a_sensible_order() {
    for (count, level) in [
        (800, Level::Warn),
        (950, Level::Critical),
        (1_000, Level::Critical),
    ] {
        let finding = found(&[look(1, over(count, DATABASE, 1_000))], DATABASE);
        assert_eq!(finding.level, level, "{count}");
        let at = |words: &str| {
            let mut advice = finding.advice.iter();
            advice.position(|advice| advice.contains(words)).unwrap()
        };
        let reuse = at("sysctl -w net.ipv4.tcp_tw_reuse=1");
        let range = at("sysctl -w net.ipv4.ip_local_port_range='15000 64999'");
        assert!(
            at("connection pool") < reuse && reuse < range,
            "{finding:#?}"
        );
        assert!(at("do not set tcp_tw_recycle") > range, "{finding:#?}");
        assert!(
            finding.advice[reuse].contains("/etc/sysctl.d/"),
            "{finding:#?}"
        );
    }
}

#[test]
fn ports_that_go_fast_are_warned_of_when_a_part_is_taken() {
    let level = |first: u32, then: u32| {
        let looks = [
            look(1, over(first, DATABASE, 59_500)),
            look(2, over(then, DATABASE, 59_500)),
        ];
        findings(&looks)[0].level
    };
    assert_eq!(level(0, 200), Level::Ok);
    assert_eq!(level(200, 400), Level::Warn);
    assert_eq!(level(600, 810), Level::Critical);
}

#[test]
fn ports_that_the_kernel_gives_out_again_are_no_catastrophe() {
    let to = |remote: &str, reuse| {
        let mut look = look(1, over(1_000, remote, 1_000));
        look.networks[0].settings.tw_reuse = Some(reuse);
        found(&[look], remote)
    };
    let reused = to(DATABASE, 1);
    assert_eq!(reused.level, Level::Warn);
    assert!(
        !advises(&reused, "sysctl -w net.ipv4.tcp_tw_reuse"),
        "{reused:#?}"
    );
    assert_eq!(to(DATABASE, 2).level, Level::Critical);
    assert_eq!(to("127.0.0.1:5432", 2).level, Level::Warn);
    assert_eq!(to("127.0.0.1:5432", 0).level, Level::Critical);
}

#[test]
fn where_the_range_is_not_known_nothing_is_said_of_ports() {
    let mut look = look(1, over(1_000, DATABASE, 1_000));
    look.networks.clear();
    let options = StatesOptions::all();
    let model = model(&[look], &options);
    let figures = StatesFigures::new(&model, &options);
    let findings = crate::states::findings(&figures, &model, Period::Tick);
    assert_eq!(
        (figures.time_wait[0].ports, figures.time_wait[0].headroom),
        (None, None)
    );
    assert_eq!(findings.len(), 1, "{findings:#?}");
}

#[test]
fn settings_of_another_namespace_are_changed_in_it() {
    let mut look = look(1, over(1_000, DATABASE, 1_000));
    look.sockets
        .push(socket(TcpState::Established, 7, "10.0.0.5:900", DATABASE));
    look.own_namespace = Some(1);
    let finding = found(&[look], DATABASE);
    assert!(
        advises(&finding, "`nsenter --target 8821 --net sysctl -w"),
        "{finding:#?}"
    );
    assert!(!advises(&finding, "/etc/sysctl.d"), "{finding:#?}");
}

#[test]
fn time_wait_of_a_server_takes_up_no_port() {
    let mut sockets = unclosed(0, 0);
    sockets.push(socket(
        TcpState::TimeWait,
        0,
        "10.0.0.5:443",
        "192.0.2.7:50000",
    ));
    let finding = found(&[look(1, sockets)], "takes up no port");
    assert_eq!(finding.level, Level::Ok);
    assert!(
        finding
            .evidence
            .contains("likely of nginx (PID 412), which listens")
    );
}
