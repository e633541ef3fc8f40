//! `retrans` shows the losses that the kernel itself counts, with their process.

use anyhow::{Context, Result, ensure};
use netperf_tests::load::lossy::{NO_OWNER, Truth};
use netperf_tests::load::mover::{self, Mover};
use netperf_tests::net::veth::VethPair;
use netperf_tests::tracer::{Session, Tracer, integer, text};
use serde_json::Value;

/// A session during one kind of loss in a network namespace of its own, and the kernel's own counts.
struct Traced {
    session: Session,
    truth: Truth,
}

fn trace(kind: &str, args: &[&str]) -> Result<Traced> {
    let veth = VethPair::new()?;
    let mover = mover::binary()?;
    let mover = mover.to_str().context("a path that is no UTF-8")?;
    let mut mover = Mover::start_as(veth.near(mover).args(["lossy", kind]))?;
    let ready = mover.next_line()?.context("nothing is lost")?;
    ensure!(ready.contains("\"ready\""), "{ready}");
    let mut all = vec!["retrans", "--json", "-d", "0.3"];
    all.extend(args);
    let tracer = Tracer::start(&all)?;
    mover.resume()?;
    let truth = mover.next_line()?.context("the mover failed")?;
    let session = tracer.stop()?;
    let truth = serde_json::from_str(&truth).with_context(|| truth)?;
    let loss = session.ticks.last().map(|tick| tick["loss"].to_string());
    ensure!(
        session.ticks.is_empty()
            || loss.is_some_and(|loss| !loss.contains(|c| ('1'..='9').contains(&c))),
        "losses in the tracer"
    );
    Ok(Traced { session, truth })
}

impl Traced {
    /// Rows of this list in all ticks, of the namespace of the loss.
    fn rows(&self, list: &'static str) -> impl Iterator<Item = &Value> {
        let rows = self.session.ticks.iter();
        let rows = rows.filter_map(move |tick| tick[list].as_array()).flatten();
        rows.filter(|row| row["netns"] == self.truth.netns)
    }

    fn segments(&self, takes: impl Fn(&Value) -> bool) -> Result<u64> {
        let rows = self.rows("flows").filter(|row| takes(row));
        rows.map(|row| integer(row, "retrans")).sum()
    }

    fn events(&self, pid: u32, kind: &str) -> Result<u64> {
        let rows = self.rows("flows").filter(|row| row["pid"] == pid);
        rows.map(|row| integer(&row["kinds"], kind)).sum()
    }

    /// Fails unless every lost segment is reported, and all of them for `pids`.
    fn is_exact(&self, pids: &[u32]) -> Result<()> {
        let truth = &self.truth;
        let of_pids = |row: &Value| pids.iter().any(|pid| row["pid"] == *pid);
        let (all, owned) = (self.segments(|_| true)?, self.segments(of_pids)?);
        ensure!(truth.segments > 0, "the kernel retransmitted nothing");
        ensure!(
            all == truth.segments && owned == all,
            "{all} segments are reported, {owned} of them for {pids:?}; {truth:?}"
        );
        if let Some(segments) = truth.client_segments {
            let reported = self.segments(|row| row["pid"] == truth.client)?;
            ensure!(reported == segments, "the client's: {reported}; {truth:?}");
        }
        Ok(())
    }
}

#[test]
fn segments_are_those_of_tcp_info_and_snmp() -> Result<()> {
    let traced = trace("data", &[])?;
    traced.is_exact(&[traced.truth.client])?;
    let client = traced.truth.client;
    let events = ["rto", "fast", "tlp"].map(|kind| traced.events(client, kind));
    let events: u64 = events.into_iter().sum::<Result<u64>>()?;
    ensure!(events > 0 && events <= traced.truth.segments, "{events}");
    for row in traced.rows("flows").filter(|row| row["pid"] == client) {
        let percent = row["loss_percent"].as_f64().context("no share")?;
        ensure!(percent > 0.0 && percent <= 100.0, "{row}");
        ensure!(text(row, "name")? == "client", "{row}");
    }
    Ok(())
}

#[test]
fn processes_and_remote_hosts_sum_up_their_connections() -> Result<()> {
    let traced = trace("data", &[])?;
    let mut reported = 0;
    for tick in &traced.session.ticks {
        let rows = tick["processes"].as_array().context("no processes")?;
        for row in rows.iter().filter(|row| row["pid"] == traced.truth.client) {
            reported += integer(row, "retrans")?;
        }
        let sum = |list: &str| -> Result<u64> {
            let rows = tick[list].as_array().context("no list")?;
            rows.iter().map(|row| integer(row, "retrans")).sum()
        };
        ensure!(sum("remotes")? == sum("flows")?, "{tick}");
        ensure!(
            sum("flows")? == integer(&tick["total"], "retrans")?,
            "{tick}"
        );
    }
    ensure!(
        reported == traced.truth.segments,
        "{reported}; {:?}",
        traced.truth
    );
    Ok(())
}

#[test]
fn a_handshake_is_retransmitted_by_the_client_and_by_the_listener() -> Result<()> {
    let traced = trace("handshake", &[])?;
    let Truth { client, server, .. } = traced.truth;
    traced.is_exact(&[client, server])?;
    let (syn, synack) = (
        traced.events(client, "syn")?,
        traced.events(server, "synack")?,
    );
    ensure!(
        syn > 0 && Some(syn) == traced.truth.client_segments,
        "{syn} SYNs"
    );
    ensure!(syn + synack == traced.truth.segments, "{synack} answers");
    Ok(())
}

#[test]
fn a_closed_connection_keeps_its_process() -> Result<()> {
    let traced = trace("orphan", &[])?;
    traced.is_exact(&[traced.truth.client])?;
    ensure!(traced.events(traced.truth.client, "rto")? > 0, "no timeout");
    Ok(())
}

#[test]
fn a_connection_older_than_the_tracer_has_its_owner() -> Result<()> {
    let traced = trace("older", &[])?;
    traced.is_exact(&[traced.truth.client])
}

#[test]
fn with_vv_the_kernel_side_logs_that_a_connection_has_no_owner() -> Result<()> {
    let log = trace("ownerless", &["-vv"])?.session.log;
    ensure!(log.contains(NO_OWNER), "the log is {log}");
    let lines = log.lines().filter(|line| line.starts_with(NO_OWNER));
    let ports = lines.filter_map(|line| line.strip_prefix(NO_OWNER)?.split_once(" to port "));
    for (local, rest) in ports {
        let (remote, _) = rest.split_once(' ').context("no remote port")?;
        ensure!(
            local.parse::<u16>()? > 0 && remote.parse::<u16>()? > 0,
            "{local} {rest}"
        );
    }
    Ok(())
}

#[test]
fn the_kernel_side_logs_nothing_without_vv() -> Result<()> {
    let traced = trace("ownerless", &[])?;
    ensure!(
        traced.segments(|row| row["pid"] == 0)? > 0,
        "{:?}",
        traced.session.ticks
    );
    ensure!(traced.session.log.is_empty(), "{}", traced.session.log);
    Ok(())
}

#[test]
fn each_retransmission_is_a_line_of_its_own_while_it_happens() -> Result<()> {
    let traced = trace("data", &["--watch"])?;
    let lines = traced.session.ticks.iter();
    let lines = lines.filter(|line| line["type"] == "retransmit");
    let mut reported = 0;
    for line in lines.filter(|line| line["netns"] == traced.truth.netns) {
        ensure!(line["pid"] == traced.truth.client, "{line}");
        reported += 1;
    }
    let kinds = ["rto", "fast", "tlp"].map(|kind| traced.events(traced.truth.client, kind));
    let counted: u64 = kinds.into_iter().sum::<Result<u64>>()?;
    ensure!(
        reported > 0 && reported == counted,
        "{reported} lines, {counted} events"
    );
    Ok(())
}

#[test]
fn resets_have_a_direction_and_an_owner() -> Result<()> {
    let traced = trace("reset", &[])?;
    let Truth { client, server, .. } = traced.truth;
    let count = |direction: &str, takes: &dyn Fn(&Value) -> bool| -> Result<u64> {
        let rows = traced
            .rows("resets")
            .filter(|row| row["direction"] == direction);
        rows.filter(|row| takes(row))
            .map(|row| integer(row, "count"))
            .sum()
    };
    let all = count("sent", &|_| true)?;
    ensure!(
        all == traced.truth.resets_sent,
        "{all} sent; {:?}",
        traced.truth
    );
    ensure!(
        count("sent", &|row| row["pid"] == client)? == 1,
        "the abort: {:?}, {:?}",
        traced.rows("resets").collect::<Vec<_>>(),
        traced.truth
    );
    ensure!(
        count("received", &|row| row["pid"] == server)? == 1,
        "of the abort: {:?}, {:?}",
        traced.rows("resets").collect::<Vec<_>>(),
        traced.truth
    );
    let refused = |row: &Value| row["pid"] == client && row["remote"] == "127.0.0.1:9";
    ensure!(
        count("received", &refused)? == 1,
        "of the refused connection"
    );
    Ok(())
}

#[test]
fn datagrams_dropped_at_a_full_queue_are_reported_with_their_reader() -> Result<()> {
    let traced = trace("unread", &[])?;
    let rows: Vec<&Value> = traced
        .rows("drops")
        .filter(|row| row["reason"] == "SOCKET_RCVBUFF")
        .collect();
    let mut reported = 0;
    for row in rows {
        ensure!(row["local_port"] == 4300, "{row}");
        ensure!(
            row["pid"] == traced.truth.server,
            "{row}; {:?}",
            traced.truth
        );
        reported += integer(row, "packets")?;
    }
    ensure!(
        reported > 0 && reported == traced.truth.unread_datagrams,
        "{reported}; {:?}",
        traced.truth
    );
    Ok(())
}
