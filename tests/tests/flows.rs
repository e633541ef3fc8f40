//! `flows` shows each connection with its process and its bytes.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use netperf_tests::load::mover::{self, Mover};
use netperf_tests::load::result::PathResult;
use netperf_tests::load::result::ProcessBytes;
use netperf_tests::load::steady::{End, Ends};
use netperf_tests::net::veth::VethPair;
use netperf_tests::sys::deadline::Deadline;
use netperf_tests::tracer::{self, Session, Tracer, integer, text};
use serde_json::Value;

/// A steady load that starts after the tracer and ends before it: the session of `flows`, the ends of the
/// load, and what they moved.
struct Traced {
    session: Session,
    ends: Vec<End>,
    moved: Vec<ProcessBytes>,
}

fn trace(args: &[&str]) -> Result<Traced> {
    let mut all = vec!["flows", "--json", "-d", "0.3"];
    all.extend(args);
    let mut tracer = Tracer::start(&all)?;
    let mut mover = Mover::start(["steady"])?;
    let ends: Ends = serde_json::from_str(&mover.next_line()?.context("no steady load")?)?;
    let deadline = Deadline::seconds(20);
    let mut early = Vec::new();
    while early.len() < 3 {
        early.push(tracer.next_line(deadline)?.context("the tracer ended")?);
    }
    mover.resume()?;
    let Some(PathResult::Moved { rows, .. }) = mover.finish()?.pop() else {
        anyhow::bail!("the steady load printed nothing")
    };
    let mut session = tracer.stop()?;
    early.append(&mut session.ticks);
    session.ticks = early;
    Ok(Traced {
        session,
        ends: ends.ends,
        moved: rows,
    })
}

impl Traced {
    fn flows(&self) -> impl Iterator<Item = &Value> {
        self.session
            .ticks
            .iter()
            .filter_map(|tick| tick["flows"].as_array())
            .flatten()
    }

    fn of<'a>(&'a self, end: &'a End) -> impl Iterator<Item = &'a Value> {
        self.flows().filter(|flow| flow["pid"] == end.pid)
    }

    fn shows(&self, end: &End) -> bool {
        self.of(end).next().is_some()
    }
}

#[test]
fn each_connection_has_its_addresses_process_and_every_byte() -> Result<()> {
    let traced = trace(&[])?;
    for end in &traced.ends {
        let (mut tx, mut rx) = (0, 0);
        for flow in traced.of(end) {
            ensure!(text(flow, "proto")? == end.proto, "{flow}");
            ensure!(text(flow, "name")? == end.name, "{flow}");
            ensure!(text(flow, "local")? == end.local.to_string(), "{flow}");
            ensure!(text(flow, "remote")? == end.remote.to_string(), "{flow}");
            tx += integer(flow, "tx_bytes")?;
            rx += integer(flow, "rx_bytes")?;
        }
        let row = traced
            .moved
            .iter()
            .find(|row| row.pid == end.pid)
            .context("no truth")?;
        ensure!(
            (tx, rx) == (row.tx_bytes, row.rx_bytes),
            "{end:?}: {tx}/{rx}, {row:?}"
        );
    }
    Ok(())
}

#[test]
fn tcp_has_a_state_and_a_round_trip_time_and_udp_has_neither() -> Result<()> {
    let traced = trace(&[])?;
    for end in &traced.ends {
        let flow = traced.of(end).next().context("a connection is missing")?;
        if end.proto == "tcp" {
            ensure!(
                flow["state"] == "ESTABLISHED" && flow["retrans"] == 0,
                "{flow}"
            );
            ensure!(
                flow["srtt_us"].is_u64() || end.name == "steady in",
                "{flow}"
            );
        } else {
            ensure!(
                flow["state"].is_null() && flow["srtt_us"].is_null(),
                "{flow}"
            );
        }
    }
    Ok(())
}

#[test]
fn averages_lie_between_zero_and_the_fastest_tick() -> Result<()> {
    let traced = trace(&[])?;
    let sender = traced.ends.first().context("no sender")?;
    let peak = traced
        .of(sender)
        .filter_map(|flow| flow["tx_bytes_per_s"].as_u64())
        .max();
    let last = traced.of(sender).last().context("the sender is missing")?;
    for average in ["tx_bytes_per_s_10s", "tx_bytes_per_s_40s"] {
        let rate = integer(last, average)?;
        ensure!(
            rate > 0 && Some(rate) <= peak,
            "{average} is {rate}, the peak {peak:?}"
        );
    }
    ensure!(integer(last, "rx_bytes_per_s_10s")? == 0, "{last}");
    Ok(())
}

#[test]
fn the_protocol_filter_leaves_one_protocol() -> Result<()> {
    let traced = trace(&["--proto", "udp"])?;
    for flow in traced.flows() {
        ensure!(flow["proto"] == "udp", "{flow}");
    }
    for end in &traced.ends {
        ensure!(traced.shows(end) == (end.proto == "udp"), "{end:?}");
    }
    Ok(())
}

#[test]
fn the_port_filter_takes_either_end() -> Result<()> {
    let mut mover = Mover::start(["steady"])?;
    let ends: Ends = serde_json::from_str(&mover.next_line()?.context("no steady load")?)?;
    let [sender, receiver, ..] = ends.ends.as_slice() else {
        anyhow::bail!("{ends:?}")
    };
    let port = sender.local.port().to_string();
    let args = ["flows", "--json", "-d", "0.3", "-n", "2", "--port", &port];
    let session = Tracer::start(&args)?.finish()?;
    mover.resume()?;
    mover.finish()?;
    let flows: Vec<&Value> = session
        .ticks
        .iter()
        .filter_map(|tick| tick["flows"].as_array())
        .flatten()
        .collect();
    for flow in &flows {
        let has = |end: &str| text(flow, end).is_ok_and(|it| it.ends_with(&format!(":{port}")));
        ensure!(has("local") || has("remote"), "{flow}");
    }
    for end in [sender, receiver] {
        ensure!(
            flows.iter().any(|flow| flow["pid"] == end.pid),
            "{end:?} is missing"
        );
    }
    Ok(())
}

#[test]
fn the_remote_filter_takes_networks() -> Result<()> {
    let traced = trace(&["--remote", "127.0.0.0/8"])?;
    for flow in traced.flows() {
        let remote: SocketAddr = text(flow, "remote")?.parse()?;
        ensure!(remote.ip().is_loopback(), "{flow}");
    }
    ensure!(
        traced.ends.iter().all(|end| traced.shows(end)),
        "a connection is missing"
    );
    let traced = trace(&["--remote", "192.0.2.0/24"])?;
    ensure!(
        traced.flows().next().is_none(),
        "documentation addresses are in use"
    );
    Ok(())
}

#[test]
fn remote_hosts_put_their_connections_together() -> Result<()> {
    let traced = trace(&["--by", "remote"])?;
    let moved: u64 = traced.moved.iter().map(|row| row.tx_bytes).sum();
    let mut counted = 0;
    for tick in &traced.session.ticks {
        // What the rows are called is not in the contract; that they carry remote hosts is.
        let lists = tick
            .as_object()
            .context("no object")?
            .values()
            .filter_map(Value::as_array);
        let rows = lists.flatten().filter(|row| row["remote"] == "127.0.0.1");
        let rows: Vec<&Value> = rows.collect();
        ensure!(rows.len() <= 1, "one host, {} rows: {tick}", rows.len());
        for row in rows {
            counted += integer(row, "tx_bytes")?;
        }
    }
    // Other tests talk over loopback too.
    ensure!(counted >= moved, "{counted} of {moved} bytes");
    Ok(())
}

#[test]
fn the_interface_filter_leaves_the_connections_of_its_addresses() -> Result<()> {
    let veth = VethPair::new()?;
    let (tracer, mover) = (tracer::binary()?, mover::binary()?);
    let tracer = tracer.to_str().context("a path that is no UTF-8")?;
    let mover = mover.to_str().context("a path that is no UTF-8")?;
    for (interface, seen) in [("lo", true), ("cable0", false)] {
        let mut load = Mover::start_as(veth.near(mover).arg("steady"))?;
        let ends: Ends = serde_json::from_str(&load.next_line()?.context("no steady load")?)?;
        let args = [
            "flows", "--json", "-d", "0.3", "-n", "2", "--iface", interface,
        ];
        let session = Tracer::start_as(veth.near(tracer).args(args))?.finish()?;
        load.resume()?;
        load.finish()?;
        let flows = session
            .ticks
            .iter()
            .filter_map(|tick| tick["flows"].as_array())
            .flatten();
        let pids: Vec<Option<u64>> = flows.map(|flow| flow["pid"].as_u64()).collect();
        for end in &ends.ends {
            let shown = pids.contains(&Some(u64::from(end.pid)));
            ensure!(shown == seen, "on {interface}, {end:?} is shown: {shown}");
        }
    }
    Ok(())
}
