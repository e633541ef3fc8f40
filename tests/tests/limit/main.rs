//! `limit` holds a running process, and no other one, to a rate, and leaves nothing behind.
//!
//! Tolerances are wide; docs/benchmarks.md has the accuracy on a quiet machine.

mod command;
mod life;
mod network;
mod programs;

use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netperf_tests::checks::rate_limit::{
    FAR, FREE, MB, NEAR, await_limit, await_rate, await_traffic, far, inventory, limit, near, sink,
    source,
};
use netperf_tests::load::mover;
use netperf_tests::load::stream::Stream;
use netperf_tests::net::veth::VethPair;
use netperf_tests::sys::deadline::Deadline;
use netperf_tests::sys::turn;
use netperf_tests::tracer::command::run;
use netperf_tests::tracer::ndjson;
use netperf_tests::tracer::{Tracer, binary, integer};
use nix::sys::signal::Signal;

/// The far end of the cable.
const FAR_V6: &str = "[fd72::2]:5001";

#[test]
fn a_running_sender_is_limited_and_released() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    let mut sink = sink(&mut far(&veth)?, "tcp", FAR)?;
    let source = source(&mut near(&veth)?, "tcp", FAR, 2)?;
    await_rate(&mut sink, FREE)?;
    let tracer = limit(source.pid(), &["--up", "20MB"])?;
    await_limit(&mut sink, 20.0)?;
    let session = tracer.stop()?;
    let last = session.ticks.last().context("no tick")?;
    ensure!(last["up"]["limit_bytes_per_s"] == 20_000_000, "{last}");
    ensure!(last["down"].is_null(), "{last}");
    ensure!(integer(last, "sockets")? >= 2, "{last}");
    ensure!(integer(&last["up"], "dropped")? == 0, "{last}");
    await_rate(&mut sink, FREE)?;
    Ok(())
}

#[test]
fn a_running_receiver_is_limited_and_released() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    let mut sink = sink(&mut near(&veth)?, "tcp", NEAR)?;
    let _source = source(&mut far(&veth)?, "tcp", NEAR, 4)?;
    await_rate(&mut sink, FREE)?;
    let tracer = limit(sink.pid(), &["--down", "20MB"])?;
    await_limit(&mut sink, 20.0)?;
    let session = tracer.stop()?;
    let last = session.ticks.last().context("no tick")?;
    ensure!(last["up"].is_null(), "{last}");
    ensure!(integer(&last["down"], "dropped")? == 0, "{last}");
    await_rate(&mut sink, FREE)?;
    Ok(())
}

#[test]
fn a_sender_of_datagrams_is_slowed_and_not_refused() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    let mut sink = sink(&mut far(&veth)?, "udp", FAR)?;
    let launcher = &mut near(&veth)?;
    let source = Stream::start(launcher, &format!("source udp {FAR} 1 12"))?;
    await_traffic(&mut sink)?;
    let _tracer = limit(source.pid(), &["5MB"])?;
    await_limit(&mut sink, 5.0)?;
    let sent = source.finish()?;
    ensure!(sent.failed == 0, "{sent:?}");
    Ok(())
}

#[test]
fn children_are_held_from_their_first_byte_and_strangers_never() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    let mut sink = sink(&mut far(&veth)?, "tcp", FAR_V6)?;
    let words = format!("family tcp {FAR_V6} 3 60");
    let mut family = Stream::start(&mut near(&veth)?, &words)?.ready()?;
    let tracer = limit(family.pid(), &["10MB"])?;
    family.resume()?;
    await_traffic(&mut sink)?;
    await_limit(&mut sink, 10.0)?;
    let _stranger = source(&mut near(&veth)?, "tcp", FAR_V6, 1)?;
    thread::sleep(Duration::from_secs(1));
    let (both, _) = sink.rates(10)?;
    ensure!(
        both > 40.0 * MB,
        "a stranger is held: {:.1} MB/s",
        both / MB
    );
    let session = tracer.stop()?;
    let last = session.ticks.last().context("no tick")?;
    ensure!(
        last["pids"].as_array().is_some_and(|pids| pids.len() == 2),
        "{last}"
    );
    Ok(())
}

#[test]
fn a_later_process_with_a_matching_name_is_limited() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    let mut far_sink = sink(&mut far(&veth)?, "tcp", FAR)?;
    let folder = tempfile::tempdir()?;
    // It is copied, as a link would not have the name.
    let program = folder.path().join("newcomer");
    std::fs::copy(mover::binary()?, &program)?;
    let start = || -> Result<Stream> {
        let mut near = veth.near(program.to_str().context("an odd path")?);
        source(&mut near, "tcp", FAR, 1)
    };
    let first = start()?;
    await_traffic(&mut far_sink)?;
    let args = [
        "limit",
        "--json",
        "-d",
        "0.5",
        "--name",
        "^newcomer$",
        "5MB",
    ];
    let mut tracer = Tracer::start(&args)?;
    await_limit(&mut far_sink, 5.0)?;
    drop(first);
    let second = start()?;
    await_traffic(&mut far_sink)?;
    await_limit(&mut far_sink, 5.0)?;
    tracer.await_tick()?;
    let session = tracer.stop()?;
    let last = session.ticks.last().context("no tick")?;
    ensure!(last["pids"] == serde_json::json!([second.pid()]), "{last}");
    Ok(())
}

#[test]
fn a_rate_is_changed_while_it_holds() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    let mut sink = sink(&mut far(&veth)?, "tcp", FAR)?;
    let source = source(&mut near(&veth)?, "tcp", FAR, 1)?;
    await_traffic(&mut sink)?;
    let mut tracer = limit(source.pid(), &["20MB"])?;
    tracer.await_tick()?;
    let listed = run(["limit", "list", "--json"])?;
    let lines = ndjson::lines(&listed.stdout)?;
    let list = lines.get(1).context("no list")?;
    let limits = list["limits"].as_array().context("no limits")?;
    let ours = limits.iter().find(|one| {
        let processes = one["processes"].as_array();
        processes.is_some_and(|all| all.iter().any(|process| process["pid"] == source.pid()))
    });
    let id = integer(ours.context("it is not listed")?, "id")?.to_string();
    let set = Command::new(binary()?)
        .args(["limit", "set", "--id", &id, "5MB"])
        .status()?;
    ensure!(set.success(), "{set}");
    await_limit(&mut sink, 5.0)?;
    let clear = Command::new(binary()?)
        .args(["limit", "clear", "--id", &id])
        .status()?;
    ensure!(clear.success(), "{clear}");
    tracer.finish()?;
    Ok(())
}

#[test]
fn nothing_is_left_however_it_ends() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    let mut sink = sink(&mut far(&veth)?, "tcp", FAR)?;
    let before = inventory(&veth)?;
    for signal in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGKILL,
        // As a panic without unwinding does.
        Signal::SIGABRT,
    ] {
        let source = source(&mut near(&veth)?, "tcp", FAR, 1)?;
        await_traffic(&mut sink)?;
        let tracer = limit(source.pid(), &["2MB"])?;
        ensure!(inventory(&veth)? != before, "nothing was made");
        tracer.signal(signal)?;
        let deadline = Deadline::seconds(10);
        while inventory(&veth)? != before {
            ensure!(
                !deadline.passed(),
                "{signal}: left is {}",
                inventory(&veth)?
            );
            thread::sleep(Duration::from_millis(20));
        }
        await_rate(&mut sink, FREE).with_context(|| format!("after {signal}"))?;
    }
    let short = Stream::start(&mut near(&veth)?, &format!("source tcp {FAR} 1 2"))?;
    await_traffic(&mut sink)?;
    let tracer = limit(short.pid(), &["2MB"])?;
    short.finish()?;
    let session = tracer.finish()?;
    ensure!(session.status.success(), "{}", session.status);
    ensure!(inventory(&veth)? == before, "left is {}", inventory(&veth)?);
    Ok(())
}

#[test]
fn it_ends_with_its_processes_in_a_namespace_without_a_name() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    let mut sink = sink(&mut far(&veth)?, "tcp", FAR)?;
    let source = source(&mut near(&veth)?, "tcp", FAR, 1)?;
    await_traffic(&mut sink)?;
    let mut tracer = limit(source.pid(), &["5MB"])?;
    drop(veth);
    tracer.await_tick()?;
    await_limit(&mut sink, 5.0)?;
    drop(source);
    let session = tracer.finish()?;
    ensure!(session.status.success(), "{}", session.status);
    Ok(())
}

#[test]
fn filters_hold_as_well_and_are_removed_however_it_ends() -> Result<()> {
    // Two streams without a limit take all processors, until they are held.
    let _turn = turn::exclusive();
    let veth = VethPair::new()?;
    let before = inventory(&veth)?;
    let mut sink = sink(&mut far(&veth)?, "tcp", FAR)?;
    let held_by = |rate: &str| -> Result<(Stream, Tracer)> {
        let source = source(&mut near(&veth)?, "tcp", FAR, 1)?;
        let tracer = limit(source.pid(), &[rate, "--mechanism", "clsact"])?;
        Ok((source, tracer))
    };
    let (_first, first) = held_by("10MB")?;
    let (_second, mut second) = held_by("5MB")?;
    second.await_tick()?;
    await_limit(&mut sink, 15.0)?;
    first.signal(Signal::SIGKILL)?;
    let deadline = Deadline::seconds(10);
    let count = || -> Result<usize> { Ok(inventory(&veth)?.matches("netperf-trace").count()) };
    // One for each direction, of the other one.
    while count()? != 2 {
        ensure!(!deadline.passed(), "left is {}", inventory(&veth)?);
        thread::sleep(Duration::from_millis(20));
    }
    let session = second.stop()?;
    let last = session.ticks.last().context("no tick")?;
    ensure!(last["mechanism"] == "veth+tbf (clsact)", "{last}");
    while inventory(&veth)? != before {
        ensure!(!deadline.passed(), "left is {}", inventory(&veth)?);
        thread::sleep(Duration::from_millis(20));
    }
    await_rate(&mut sink, FREE)?;
    Ok(())
}
