use netperf_core::fixtures::socket;
use netperf_core::sample::TcpState;
use netperf_core::sample::socket::{SocketReading, TcpInfo};

use super::*;

/// A connection of `worker` that was sending.
fn sending(busy_us: u64, rwnd_limited_us: u64, sndbuf_limited_us: u64) -> SocketReading {
    SocketReading {
        tcp: Some(Box::new(TcpInfo {
            srtt_us: Some(1_500),
            cwnd: Some(10),
            busy_us: Some(busy_us),
            rwnd_limited_us: Some(rwnd_limited_us),
            sndbuf_limited_us: Some(sndbuf_limited_us),
            ..TcpInfo::default()
        })),
        ..socket(TcpState::Established, 7, "10.0.0.5:4000", "10.0.0.9:873")
    }
}

fn about_worker(first: SocketReading, last: SocketReading) -> Scene {
    let mut scene = Scene::calm().with_sockets(vec![first], vec![last]);
    scene.about = Some(7);
    scene
}

#[test]
fn a_process_waits_for_what_it_waited_for_most() {
    let begun = || sending(1_000_000, 0, 0);
    for (last, verdict) in [
        (
            sending(9_000_000, 7_000_000, 0),
            "worker (PID 7) waits for the receiver: 10.0.0.9:873",
        ),
        (
            sending(9_000_000, 0, 7_000_000),
            "worker (PID 7) waits for its own send buffer",
        ),
        (
            sending(9_000_000, 0, 0),
            "worker (PID 7) waits for the network: the way to 10.0.0.9:873",
        ),
        (
            sending(1_100_000, 0, 0),
            "worker (PID 7) does not wait for the network",
        ),
    ] {
        about_worker(begun(), last).judge(|doctor| {
            assert!(doctor.verdict.starts_with(verdict), "{}", doctor.verdict);
        });
    }
}

#[test]
fn a_process_that_does_not_read_waits_for_itself() {
    let full = || SocketReading {
        recv_q: 65_536,
        ..sending(0, 0, 0)
    };
    about_worker(full(), full()).judge(|doctor| {
        assert_eq!(
            doctor.verdict,
            "worker (PID 7) does not read what 10.0.0.9:873 has sent: it waits for itself"
        );
        assert_eq!(doctor.status, Status::Warn);
    });
    let reading = |bytes| {
        let mut reading = full();
        if let Some(tcp) = &mut reading.tcp {
            tcp.bytes_received = Some(bytes);
        }
        reading
    };
    about_worker(reading(0), reading(10_000_000)).judge(|doctor| {
        assert_eq!(
            doctor.status,
            Status::Ok,
            "a busy reader reads: {doctor:#?}"
        );
    });
}

#[test]
fn an_answer_that_does_not_come_is_waited_for_at_the_other_end() {
    let asked = |sent_ms: u32| {
        let mut asked = sending(0, 0, 0);
        if let Some(tcp) = &mut asked.tcp {
            tcp.bytes_acked = Some(500);
            tcp.last_sent_ms = Some(sent_ms);
            tcp.last_received_ms = Some(sent_ms + 200);
        }
        asked
    };
    let answer = "worker (PID 7) waits for an answer of 10.0.0.9:873";
    for (sent_ms, status) in [(8_000, Status::Warn), (3_600_000, Status::Ok)] {
        about_worker(asked(sent_ms), asked(sent_ms)).judge(|doctor| {
            assert_eq!((doctor.verdict.as_str(), doctor.status), (answer, status));
        });
    }
    let mut serving = about_worker(asked(8_000), asked(8_000));
    serving.last.sockets.push(SocketReading {
        cookie: 2,
        ..socket(TcpState::Listen, 7, "0.0.0.0:4000", "0.0.0.0:0")
    });
    serving.judge(|doctor| assert_eq!(doctor.status, Status::Ok, "a client may rest: {doctor:#?}"));
}

#[test]
fn a_process_without_connections_is_told_to_have_none() {
    let mut scene = Scene::calm();
    scene.about = Some(7);
    scene.judge(|doctor| {
        assert_eq!(
            doctor.verdict,
            "worker (PID 7) has no TCP connection that can be seen"
        );
        assert_eq!(doctor.status, Status::Ok);
    });
}

#[test]
fn a_process_that_ended_meanwhile_is_told_and_not_called_idle() {
    let mut scene = Scene::calm();
    scene.about = Some(7);
    scene.after.processes.clear();
    scene.judge(|doctor| {
        assert_eq!(doctor.status, Status::Ok);
        assert!(
            doctor
                .verdict
                .starts_with("worker (PID 7) has ended while it was measured"),
            "{}",
            doctor.verdict
        );
    });
}
