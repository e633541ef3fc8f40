//! Every byte is counted once, for the process that moved it, on every I/O path.

use std::io::Write;

use anyhow::{Context, Result};
use netperf_tests::load::mover::{self, Mover};
use netperf_tests::load::result::PathResult;
use netperf_tests::paths::{Path, TOPICS};
use netperf_tests::sys::turn;
use netperf_tests::tracer::Tracer;
use netperf_tests::tracer::exact::check;

/// Runs the paths of a topic while one tracer runs; paths with a gate are set up before it starts.
fn exact(topic: &str) -> Result<()> {
    let _turn = turn::exclusive();
    let found = TOPICS.iter().find(|one| one.name == topic);
    let paths = found
        .with_context(|| format!("no topic is called `{topic}`"))?
        .paths;
    let (gated, open): (Vec<&Path>, Vec<&Path>) = paths.iter().partition(|path| path.gated);
    let waiting = gated
        .into_iter()
        .map(Mover::gated)
        .collect::<Result<Vec<_>>>()?;
    let tracer = Tracer::start(&["top", "--json", "-d", "0.2"])?;
    let played = mover::run_paths(waiting, &open)?;
    for one in &played {
        if let PathResult::Absent { .. } = one {
            writeln!(std::io::stderr(), "{one}")?;
        }
    }
    let session = tracer.stop()?;
    let is_absent = |one: &PathResult| matches!(one, PathResult::Absent { .. });
    if played.iter().all(is_absent) {
        // Noted above; the virtual machines have kernels that support them.
        return Ok(());
    }
    check(&session, &played)
}

#[test]
fn every_call_that_sends_is_counted() -> Result<()> {
    exact("send")
}

#[test]
fn every_call_that_receives_is_counted_once() -> Result<()> {
    exact("receive")
}

#[test]
fn bytes_that_never_touch_the_process_are_counted() -> Result<()> {
    exact("splice")
}

#[test]
fn zero_copy_sends_are_counted() -> Result<()> {
    exact("zerocopy")
}

#[test]
fn every_datagram_call_is_counted() -> Result<()> {
    exact("datagram")
}

#[test]
fn datagram_sockets_are_counted_whatever_their_peers() -> Result<()> {
    exact("peers")
}

#[test]
fn both_address_families_and_mapped_addresses_are_counted() -> Result<()> {
    exact("family")
}

#[test]
fn io_uring_requests_are_counted_for_the_process_that_submits_them() -> Result<()> {
    exact("uring")
}

#[test]
fn sockets_that_pass_from_process_to_process_are_counted_for_each() -> Result<()> {
    exact("sharing")
}

#[test]
fn streams_used_by_several_processes_at_once_are_counted_for_each() -> Result<()> {
    exact("crowd")
}

#[test]
fn processes_that_live_for_a_moment_or_change_are_counted() -> Result<()> {
    exact("lifetime")
}

#[test]
fn sockets_older_than_the_tracer_are_counted() -> Result<()> {
    exact("early")
}

#[test]
fn connections_that_end_badly_are_counted() -> Result<()> {
    exact("abort")
}

#[test]
fn sockets_that_change_their_peer_are_counted() -> Result<()> {
    exact("reconnect")
}

#[test]
fn other_namespaces_and_users_are_counted() -> Result<()> {
    exact("namespace")
}

#[test]
fn data_in_the_first_segment_is_counted() -> Result<()> {
    exact("fastopen")
}

#[test]
fn multipath_tcp_is_counted_once() -> Result<()> {
    exact("mptcp")
}

#[test]
fn payload_that_the_kernel_encrypts_is_counted() -> Result<()> {
    exact("tls")
}

#[test]
fn traffic_that_is_no_payload_of_tcp_or_udp_is_not_counted() -> Result<()> {
    exact("uncounted")
}

/// Reads this file, so that no topic is without a test.
#[test]
fn every_topic_has_a_test() {
    let tests = include_str!("paths.rs");
    for topic in TOPICS {
        let call = format!("exact(\"{}\")", topic.name);
        assert!(tests.contains(&call), "no test runs `{}`", topic.name);
    }
}
