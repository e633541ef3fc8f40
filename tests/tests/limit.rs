//! Is a running process held to a rate, and nobody else, and is nothing left behind?
//!
//! Tolerances are wide: how close it comes on a quiet machine is in docs/benchmarks.md.

use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netperf_tests::deadline::Deadline;
use netperf_tests::delay::Delayed;
use netperf_tests::held::{
    FAR, FREE, MB, NEAR, await_rate, await_traffic, far, inventory, limit, near, settles, sink,
    source,
};
use netperf_tests::mover;
use netperf_tests::netns::Cabled;
use netperf_tests::shape::{self, check};
use netperf_tests::stream::Stream;
use netperf_tests::tracer::{Tracer, binary, integer};
use nix::sys::signal::Signal;

/// The far end of the cable.
const FAR_V6: &str = "[fd72::2]:5001";

#[test]
fn what_a_running_process_sends_is_held_and_let_go() -> Result<()> {
    let cabled = Cabled::new()?;
    let mut sink = sink(&mut far(&cabled)?, "tcp", FAR)?;
    let source = source(&mut near(&cabled)?, "tcp", FAR, 2)?;
    await_rate(&mut sink, FREE)?;
    let tracer = limit(source.pid(), &["--up", "20MB"])?;
    settles(&mut sink, 20.0)?;
    let session = tracer.stop()?;
    check(&session.start, shape::START)?;
    for tick in &session.ticks {
        check(tick, shape::LIMIT)?;
    }
    check(&session.end, shape::END)?;
    let last = session.ticks.last().context("no tick")?;
    ensure!(last["up"]["limit_bytes_per_s"] == 20_000_000, "{last}");
    ensure!(last["down"].is_null(), "{last}");
    ensure!(integer(last, "sockets")? >= 2, "{last}");
    ensure!(integer(&last["up"], "dropped")? == 0, "{last}");
    await_rate(&mut sink, FREE)?;
    Ok(())
}

#[test]
fn what_a_running_process_receives_is_held_and_let_go() -> Result<()> {
    let cabled = Cabled::new()?;
    let mut sink = sink(&mut near(&cabled)?, "tcp", NEAR)?;
    let _source = source(&mut far(&cabled)?, "tcp", NEAR, 4)?;
    await_rate(&mut sink, FREE)?;
    let tracer = limit(sink.pid(), &["--down", "20MB"])?;
    settles(&mut sink, 20.0)?;
    let session = tracer.stop()?;
    let last = session.ticks.last().context("no tick")?;
    ensure!(last["up"].is_null(), "{last}");
    ensure!(integer(&last["down"], "dropped")? == 0, "{last}");
    await_rate(&mut sink, FREE)?;
    Ok(())
}

#[test]
fn a_sender_of_datagrams_is_slowed_and_not_refused() -> Result<()> {
    let cabled = Cabled::new()?;
    let mut sink = sink(&mut far(&cabled)?, "udp", FAR)?;
    let through = &mut near(&cabled)?;
    let source = Stream::start(through, &format!("source udp {FAR} 1 12"))?;
    await_traffic(&mut sink)?;
    let _tracer = limit(source.pid(), &["5MB"])?;
    settles(&mut sink, 5.0)?;
    let sent = source.finish()?;
    ensure!(sent.failed == 0, "{sent:?}");
    Ok(())
}

#[test]
fn children_are_held_from_their_first_byte_and_strangers_never() -> Result<()> {
    let cabled = Cabled::new()?;
    let mut sink = sink(&mut far(&cabled)?, "tcp", FAR_V6)?;
    let words = format!("family tcp {FAR_V6} 3 60");
    let mut family = Stream::start(&mut near(&cabled)?, &words)?.ready()?;
    let tracer = limit(family.pid(), &["10MB"])?;
    family.go_on()?;
    await_traffic(&mut sink)?;
    settles(&mut sink, 10.0)?;
    let _stranger = source(&mut near(&cabled)?, "tcp", FAR_V6, 1)?;
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
fn a_process_that_comes_later_with_a_name_that_fits_is_held() -> Result<()> {
    let cabled = Cabled::new()?;
    let mut there = sink(&mut far(&cabled)?, "tcp", FAR)?;
    let folder = tempfile::tempdir()?;
    // It is copied, as a link would not have the name.
    let program = folder.path().join("newcomer");
    std::fs::copy(mover::binary()?, &program)?;
    let start = || -> Result<Stream> {
        let mut near = cabled.near(program.to_str().context("an odd path")?);
        source(&mut near, "tcp", FAR, 1)
    };
    let first = start()?;
    await_traffic(&mut there)?;
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
    settles(&mut there, 5.0)?;
    drop(first);
    let second = start()?;
    await_traffic(&mut there)?;
    settles(&mut there, 5.0)?;
    tracer.await_tick()?;
    let session = tracer.stop()?;
    let last = session.ticks.last().context("no tick")?;
    ensure!(last["pids"] == serde_json::json!([second.pid()]), "{last}");
    Ok(())
}

#[test]
fn a_rate_is_changed_while_it_holds() -> Result<()> {
    let cabled = Cabled::new()?;
    let mut sink = sink(&mut far(&cabled)?, "tcp", FAR)?;
    let source = source(&mut near(&cabled)?, "tcp", FAR, 1)?;
    await_traffic(&mut sink)?;
    let mut tracer = limit(source.pid(), &["20MB"])?;
    tracer.await_tick()?;
    let listed = Command::new(binary()?)
        .args(["limit", "list", "--json"])
        .output()?;
    let listed = String::from_utf8(listed.stdout)?;
    let list = listed.lines().nth(1).context("no list")?;
    let list: serde_json::Value = serde_json::from_str(list)?;
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
    settles(&mut sink, 5.0)?;
    let clear = Command::new(binary()?)
        .args(["limit", "clear", "--id", &id])
        .status()?;
    ensure!(clear.success(), "{clear}");
    tracer.finish()?;
    Ok(())
}

#[test]
fn nothing_is_left_however_it_ends() -> Result<()> {
    let cabled = Cabled::new()?;
    let mut sink = sink(&mut far(&cabled)?, "tcp", FAR)?;
    let before = inventory(&cabled)?;
    for signal in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGKILL,
        // As a panic without unwinding does.
        Signal::SIGABRT,
    ] {
        let source = source(&mut near(&cabled)?, "tcp", FAR, 1)?;
        await_traffic(&mut sink)?;
        let tracer = limit(source.pid(), &["2MB"])?;
        ensure!(inventory(&cabled)? != before, "nothing was made");
        tracer.signal(signal)?;
        let deadline = Deadline::seconds(10);
        while inventory(&cabled)? != before {
            ensure!(
                !deadline.passed(),
                "{signal}: left is {}",
                inventory(&cabled)?
            );
            thread::sleep(Duration::from_millis(20));
        }
        await_rate(&mut sink, FREE).with_context(|| format!("after {signal}"))?;
    }
    let short = Stream::start(&mut near(&cabled)?, &format!("source tcp {FAR} 1 2"))?;
    await_traffic(&mut sink)?;
    let tracer = limit(short.pid(), &["2MB"])?;
    short.finish()?;
    let session = tracer.finish()?;
    ensure!(session.status.success(), "{}", session.status);
    ensure!(
        inventory(&cabled)? == before,
        "left is {}",
        inventory(&cabled)?
    );
    Ok(())
}

#[test]
fn an_interface_that_comes_later_is_limited_and_one_that_goes_is_no_matter() -> Result<()> {
    let cabled = Cabled::new()?;
    let mut sink = sink(&mut far(&cabled)?, "tcp", "0.0.0.0:5001")?;
    let words = "family tcp 10.73.0.2:5001 1 60";
    let mut family = Stream::start(&mut near(&cabled)?, words)?.ready()?;
    let mut tracer = limit(family.pid(), &["5MB"])?;
    cabled.second_cable()?;
    // It is looked for twice a second.
    tracer.await_tick()?;
    tracer.await_tick()?;
    tracer.await_tick()?;
    family.go_on()?;
    await_traffic(&mut sink)?;
    settles(&mut sink, 5.0)?;
    let gone = cabled.near("ip").args(["link", "del", "cable1"]).status()?;
    ensure!(gone.success(), "it stays");
    tracer.await_tick()?;
    tracer.await_tick()?;
    tracer.stop()?;
    Ok(())
}

#[test]
fn a_process_behind_a_bridge_is_held_at_the_bridge_alone() -> Result<()> {
    let cabled = Cabled::new()?;
    cabled.bridge()?;
    let mut there = sink(&mut far(&cabled)?, "tcp", FAR)?;
    let mut here = sink(&mut near(&cabled)?, "tcp", NEAR)?;
    let up = source(&mut near(&cabled)?, "tcp", FAR, 1)?;
    let _down = source(&mut far(&cabled)?, "tcp", NEAR, 1)?;
    await_traffic(&mut there)?;
    await_traffic(&mut here)?;
    let receiver = here.pid().to_string();
    let options = ["--pid", &receiver, "5MB", "--mechanism", "clsact"];
    let tracer = limit(up.pid(), &options)?;
    settles(&mut there, 5.0)?;
    settles(&mut here, 5.0)?;
    let filters = |interface: &str| -> Result<usize> {
        let mut count = 0;
        for side in ["ingress", "egress"] {
            let mut tc = cabled.near("tc");
            let shown = tc
                .args(["filter", "show", "dev", interface, side])
                .output()?;
            count += String::from_utf8(shown.stdout)?
                .matches("netperf-trace")
                .count();
        }
        Ok(count)
    };
    let (bridge, port) = (filters("bridge0")?, filters("cable0")?);
    ensure!((bridge, port) == (2, 0), "{bridge} and {port}");
    tracer.stop()?;
    Ok(())
}

#[test]
fn it_ends_with_its_processes_where_their_namespace_has_lost_its_name() -> Result<()> {
    let cabled = Cabled::new()?;
    let mut sink = sink(&mut far(&cabled)?, "tcp", FAR)?;
    let source = source(&mut near(&cabled)?, "tcp", FAR, 1)?;
    await_traffic(&mut sink)?;
    let mut tracer = limit(source.pid(), &["5MB"])?;
    drop(cabled);
    tracer.await_tick()?;
    settles(&mut sink, 5.0)?;
    drop(source);
    let session = tracer.finish()?;
    ensure!(session.status.success(), "{}", session.status);
    Ok(())
}

#[test]
fn filters_hold_as_well_and_are_removed_however_it_ends() -> Result<()> {
    let cabled = Cabled::new()?;
    let before = inventory(&cabled)?;
    let mut sink = sink(&mut far(&cabled)?, "tcp", FAR)?;
    let held_by = |rate: &str| -> Result<(Stream, Tracer)> {
        let source = source(&mut near(&cabled)?, "tcp", FAR, 1)?;
        let tracer = limit(source.pid(), &[rate, "--mechanism", "clsact"])?;
        Ok((source, tracer))
    };
    let (_first, first) = held_by("10MB")?;
    let (_second, mut second) = held_by("5MB")?;
    second.await_tick()?;
    settles(&mut sink, 15.0)?;
    first.signal(Signal::SIGKILL)?;
    let deadline = Deadline::seconds(10);
    let count = || -> Result<usize> { Ok(inventory(&cabled)?.matches("netperf-trace").count()) };
    // One for each direction, of the other one.
    while count()? != 2 {
        ensure!(!deadline.passed(), "left is {}", inventory(&cabled)?);
        thread::sleep(Duration::from_millis(20));
    }
    let session = second.stop()?;
    let last = session.ticks.last().context("no tick")?;
    ensure!(last["mechanism"] == "veth+tbf (clsact)", "{last}");
    while inventory(&cabled)? != before {
        ensure!(!deadline.passed(), "left is {}", inventory(&cabled)?);
        thread::sleep(Duration::from_millis(20));
    }
    await_rate(&mut sink, FREE)?;
    Ok(())
}

#[test]
fn packets_without_an_ethernet_header_are_held_both_ways() -> Result<()> {
    let way = Delayed::new(Duration::from_millis(1))?;
    let mover = || -> Result<Command> { Ok(Command::new(mover::binary()?)) };
    let (near, far) = (
        format!("{}:5001", Delayed::NEAR),
        format!("{}:5001", Delayed::FAR),
    );
    let mut there = way.far(|| sink(&mut mover()?, "tcp", &far))?;
    let mut here = way.near(|| sink(&mut mover()?, "tcp", &near))?;
    let up = way.near(|| source(&mut mover()?, "tcp", &far, 1))?;
    let _down = way.far(|| source(&mut mover()?, "tcp", &near, 1))?;
    await_rate(&mut there, 2.0 * MB)?;
    await_traffic(&mut here)?;
    let here_pid = here.pid().to_string();
    let _tracer = limit(up.pid(), &["--pid", &here_pid, "1MB"])?;
    thread::sleep(Duration::from_secs(4));
    for sink in [&mut there, &mut here] {
        settles(sink, 1.0)?;
    }
    Ok(())
}

#[test]
fn loopback_is_held_where_it_is_asked_for() -> Result<()> {
    let cabled = Cabled::new()?;
    for (protocol, address, direction) in [
        ("tcp", "127.0.0.1:5001", "--up"),
        ("udp", "127.0.0.1:5002", "--down"),
        ("tcp", "[::1]:5003", "--down"),
        ("tcp", "10.72.0.1:5004", "--up"),
    ] {
        let mut sink = sink(&mut near(&cabled)?, protocol, address)?;
        let source = source(&mut near(&cabled)?, protocol, address, 1)?;
        await_rate(&mut sink, 12.0 * MB)?;
        let pid = if direction == "--up" {
            source.pid()
        } else {
            sink.pid()
        };
        let tracer = limit(pid, &[direction, "10MB", "--loopback"])?;
        settles(&mut sink, 10.0).with_context(|| format!("{protocol} {address} {direction}"))?;
        tracer.stop()?;
    }
    Ok(())
}

#[test]
fn connections_of_many_paths_are_held_and_plain_ones_that_they_accept() -> Result<()> {
    let cabled = Cabled::new()?;
    for (port, to, from, direction) in [
        (5001, "mptcp", "mptcp", "--up"),
        (5002, "mptcp", "mptcp", "--down"),
        (5003, "mptcp", "tcp", "--down"),
        (5004, "tcp", "mptcp", "--up"),
    ] {
        let address = format!("10.72.0.2:{port}");
        let mut sink = sink(&mut far(&cabled)?, to, &address)?;
        // Who receives is limited before it accepts.
        let before = (direction == "--down")
            .then(|| limit(sink.pid(), &["--down", "5MB"]))
            .transpose()?;
        let source = source(&mut near(&cabled)?, from, &address, 1)?;
        await_traffic(&mut sink)?;
        let tracer = match before {
            Some(tracer) => tracer,
            None => limit(source.pid(), &[direction, "5MB"])?,
        };
        settles(&mut sink, 5.0).with_context(|| format!("{from} to {to} {direction}"))?;
        tracer.stop()?;
    }
    Ok(())
}

#[test]
fn datagrams_in_pieces_are_held_both_ways() -> Result<()> {
    let cabled = Cabled::new()?;
    for (address, direction) in [
        ("10.72.0.2:5001", "--up"),
        ("10.72.0.2:5002", "--down"),
        ("[fd72::2]:5003", "--down"),
    ] {
        let mut sink = sink(&mut far(&cabled)?, "udp-pieces", address)?;
        let source = source(&mut near(&cabled)?, "udp-pieces", address, 1)?;
        await_rate(&mut sink, 12.0 * MB)?;
        let pid = if direction == "--up" {
            source.pid()
        } else {
            sink.pid()
        };
        let tracer = limit(pid, &[direction, "10MB"])?;
        settles(&mut sink, 10.0).with_context(|| format!("{address} {direction}"))?;
        tracer.stop()?;
    }
    Ok(())
}

#[test]
fn it_ends_when_somebody_removes_its_interface() -> Result<()> {
    let cabled = Cabled::new()?;
    let before = inventory(&cabled)?;
    let mut sink = sink(&mut far(&cabled)?, "tcp", FAR)?;
    let source = source(&mut near(&cabled)?, "tcp", FAR, 1)?;
    await_traffic(&mut sink)?;
    let mut tracer = limit(source.pid(), &["--up", "5MB"])?;
    tracer.await_tick()?;
    let links = cabled.near("ip").args(["-o", "link"]).output()?;
    let links = String::from_utf8(links.stdout)?;
    let ours = links.split([' ', '@']).find(|word| word.starts_with("npt"));
    let ours = ours.context("no interface of the limit")?;
    let gone = cabled.near("ip").args(["link", "del", ours]).status()?;
    ensure!(gone.success(), "it stays");
    let session = tracer.finish()?;
    ensure!(
        session.log.contains("its queue interface was removed"),
        "{}",
        session.log
    );
    ensure!(
        inventory(&cabled)? == before,
        "left is {}",
        inventory(&cabled)?
    );
    await_rate(&mut sink, FREE)?;
    Ok(())
}
