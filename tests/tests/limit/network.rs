//! `limit` on every kind of interface and transport: bridges, tun devices, loopback, MPTCP, fragments.

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
use netperf_tests::net::relay::DelayedLink;
use netperf_tests::net::veth::VethPair;
use netperf_tests::sys::turn;

#[test]
fn an_interface_added_later_is_limited_and_one_removed_does_no_harm() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    let mut sink = sink(&mut far(&veth)?, "tcp", "0.0.0.0:5001")?;
    let words = "family tcp 10.73.0.2:5001 1 60";
    let mut family = Stream::start(&mut near(&veth)?, words)?.ready()?;
    let mut tracer = limit(family.pid(), &["5MB"])?;
    veth.second_cable()?;
    // It is looked for twice a second.
    tracer.await_tick()?;
    tracer.await_tick()?;
    tracer.await_tick()?;
    family.resume()?;
    await_traffic(&mut sink)?;
    await_limit(&mut sink, 5.0)?;
    let gone = veth.near("ip").args(["link", "del", "cable1"]).status()?;
    ensure!(gone.success(), "it stays");
    tracer.await_tick()?;
    tracer.await_tick()?;
    tracer.stop()?;
    Ok(())
}

#[test]
fn a_process_behind_a_bridge_is_held_at_the_bridge_alone() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    veth.bridge()?;
    let mut far_sink = sink(&mut far(&veth)?, "tcp", FAR)?;
    let mut near_sink = sink(&mut near(&veth)?, "tcp", NEAR)?;
    let up = source(&mut near(&veth)?, "tcp", FAR, 1)?;
    let _down = source(&mut far(&veth)?, "tcp", NEAR, 1)?;
    await_traffic(&mut far_sink)?;
    await_traffic(&mut near_sink)?;
    let receiver = near_sink.pid().to_string();
    let options = ["--pid", &receiver, "5MB", "--mechanism", "clsact"];
    let tracer = limit(up.pid(), &options)?;
    await_limit(&mut far_sink, 5.0)?;
    await_limit(&mut near_sink, 5.0)?;
    let filters = |interface: &str| -> Result<usize> {
        let mut count = 0;
        for side in ["ingress", "egress"] {
            let mut tc = veth.near("tc");
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
fn packets_without_an_ethernet_header_are_held_both_ways() -> Result<()> {
    let _turn = turn::shared();
    let way = DelayedLink::new(Duration::from_millis(1))?;
    let mover = || -> Result<Command> { Ok(Command::new(mover::binary()?)) };
    let (near, far) = (
        format!("{}:5001", DelayedLink::NEAR),
        format!("{}:5001", DelayedLink::FAR),
    );
    let mut far_sink = way.far(|| sink(&mut mover()?, "tcp", &far))?;
    let mut near_sink = way.near(|| sink(&mut mover()?, "tcp", &near))?;
    let up = way.near(|| source(&mut mover()?, "tcp", &far, 1))?;
    let _down = way.far(|| source(&mut mover()?, "tcp", &near, 1))?;
    await_rate(&mut far_sink, 2.0 * MB)?;
    await_traffic(&mut near_sink)?;
    let here_pid = near_sink.pid().to_string();
    let _tracer = limit(up.pid(), &["--pid", &here_pid, "1MB"])?;
    thread::sleep(Duration::from_secs(4));
    for sink in [&mut far_sink, &mut near_sink] {
        await_limit(sink, 1.0)?;
    }
    Ok(())
}

#[test]
fn loopback_is_limited_on_request() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    for (protocol, address, direction) in [
        ("tcp", "127.0.0.1:5001", "--up"),
        ("udp", "127.0.0.1:5002", "--down"),
        ("tcp", "[::1]:5003", "--down"),
        ("tcp", "10.72.0.1:5004", "--up"),
    ] {
        let mut sink = sink(&mut near(&veth)?, protocol, address)?;
        let source = source(&mut near(&veth)?, protocol, address, 1)?;
        await_rate(&mut sink, 12.0 * MB)?;
        let pid = if direction == "--up" {
            source.pid()
        } else {
            sink.pid()
        };
        let tracer = limit(pid, &[direction, "10MB", "--loopback"])?;
        await_limit(&mut sink, 10.0)
            .with_context(|| format!("{protocol} {address} {direction}"))?;
        tracer.stop()?;
    }
    Ok(())
}

#[test]
fn connections_of_many_paths_are_held_and_plain_ones_that_they_accept() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    for (port, to, from, direction) in [
        (5001, "mptcp", "mptcp", "--up"),
        (5002, "mptcp", "mptcp", "--down"),
        (5003, "mptcp", "tcp", "--down"),
        (5004, "tcp", "mptcp", "--up"),
    ] {
        let address = format!("10.72.0.2:{port}");
        let mut sink = sink(&mut far(&veth)?, to, &address)?;
        // Who receives is limited before it accepts.
        let before = (direction == "--down")
            .then(|| limit(sink.pid(), &["--down", "5MB"]))
            .transpose()?;
        let source = source(&mut near(&veth)?, from, &address, 1)?;
        await_traffic(&mut sink)?;
        let tracer = match before {
            Some(tracer) => tracer,
            None => limit(source.pid(), &[direction, "5MB"])?,
        };
        await_limit(&mut sink, 5.0).with_context(|| format!("{from} to {to} {direction}"))?;
        tracer.stop()?;
    }
    Ok(())
}

#[test]
fn fragmented_datagrams_are_limited_both_ways() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    for (address, direction) in [
        ("10.72.0.2:5001", "--up"),
        ("10.72.0.2:5002", "--down"),
        ("[fd72::2]:5003", "--down"),
    ] {
        let mut sink = sink(&mut far(&veth)?, "udp-pieces", address)?;
        let source = source(&mut near(&veth)?, "udp-pieces", address, 1)?;
        await_rate(&mut sink, 12.0 * MB)?;
        let pid = if direction == "--up" {
            source.pid()
        } else {
            sink.pid()
        };
        let tracer = limit(pid, &[direction, "10MB"])?;
        await_limit(&mut sink, 10.0).with_context(|| format!("{address} {direction}"))?;
        tracer.stop()?;
    }
    Ok(())
}

#[test]
fn it_ends_when_its_interface_is_removed() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    let before = inventory(&veth)?;
    let mut sink = sink(&mut far(&veth)?, "tcp", FAR)?;
    let source = source(&mut near(&veth)?, "tcp", FAR, 1)?;
    await_traffic(&mut sink)?;
    let mut tracer = limit(source.pid(), &["--up", "5MB"])?;
    tracer.await_tick()?;
    let links = veth.near("ip").args(["-o", "link"]).output()?;
    let links = String::from_utf8(links.stdout)?;
    let ours = links.split([' ', '@']).find(|word| word.starts_with("npt"));
    let ours = ours.context("no interface of the limit")?;
    let gone = veth.near("ip").args(["link", "del", ours]).status()?;
    ensure!(gone.success(), "it stays");
    let session = tracer.finish()?;
    ensure!(
        session.log.contains("its queue interface was removed"),
        "{}",
        session.log
    );
    ensure!(inventory(&veth)? == before, "left is {}", inventory(&veth)?);
    await_rate(&mut sink, FREE)?;
    Ok(())
}
