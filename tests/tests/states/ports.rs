//! `states` reports ports that run out, and the calls that are refused one.

use anyhow::{Context, Result, ensure};
use netperf_tests::checks::refused_calls;
use netperf_tests::load::states::Server;
use netperf_tests::net::netns::in_fresh_netns;
use netperf_tests::sys::sysctl::Sysctl;
use netperf_tests::tracer::command::{run, run_as, text};
use netperf_tests::tracer::ndjson;
use netperf_tests::tracer::public_copy::PublicCopy;
use netperf_tests::tracer::states::{
    ensure_field, finding, row, snapshot, snapshots, snapshots_around,
};
use netperf_tests::tracer::{self, Tracer};
use serde_json::Value;

#[test]
fn ports_of_a_narrow_range_are_exhausted_when_the_kernel_has_none_left() -> Result<()> {
    in_fresh_netns(|| {
        let _range = Sysctl::set("net/ipv4/ip_local_port_range", "40000\t40099")?;
        let _reserved = Sysctl::set("net/ipv4/ip_local_reserved_ports", "40050-40059")?;
        let server = Server::listen(4_100, 200)?;
        let other = Server::listen(4_200, 200)?;
        let held = server.exhaust(100)?;
        ensure!(held.len() == 90, "{} connections", held.len());
        let _one = other.connection()?;
        let snapshot = snapshot(&[])?;
        let to = |remote: &str| row(&snapshot, "time_wait", "remote", remote);
        let full = to("127.0.0.1:4100")?;
        ensure_field(full, "ports", 90)?;
        ensure_field(full, "in_use", 90)?;
        ensure_field(full, "headroom", 0)?;
        ensure_field(full, "exhausted_in_s", 0.0)?;
        ensure_field(to("127.0.0.1:4200")?, "headroom", 89)?;
        let finding = finding(
            &snapshot,
            "ports for new connections to 127.0.0.1:4100 are taken",
        )?;
        ensure_field(finding, "level", "critical")?;
        let advice = finding["advice"].to_string();
        for words in [
            "connection pool",
            "tcp_tw_reuse=1",
            "ip_local_port_range",
            "sysctl.d",
        ] {
            ensure!(advice.contains(words), "{words}: {advice}");
        }
        let output = run(["states", "--netns", "self"])?;
        let shown = text(&output.stdout)?;
        ensure!(shown.contains("critical  all ports for new"), "{shown}");
        Ok(())
    })
}

#[test]
fn every_refused_call_is_reported_exactly_once() -> Result<()> {
    in_fresh_netns(|| {
        let mut tracer = Tracer::start(&["states", "--json", "--netns", "self", "-d", "0.4"])?;
        let _full = refused_calls::run(false)?;
        refused_calls::await_two_ticks(&mut tracer)?;
        let session = tracer.stop()?;
        refused_calls::check(&session, false)?;
        let snapshot = session.ticks.last().context("no snapshot")?;
        for remote in ["127.0.0.1:4100", "[::1]:4100"] {
            let findings = snapshot["findings"].as_array().context("no findings")?;
            let about = findings.iter().filter(|it| {
                let what = it["what"].as_str();
                it["level"] != "ok" && what.is_some_and(|it| it.contains(&format!("to {remote}")))
            });
            let about: Vec<_> = about.collect();
            ensure!(about.len() == 1, "one finding for {remote}: {about:#?}");
            ensure_field(about[0], "level", "critical")?;
            let evidence = tracer::text(about[0], "evidence")?;
            let who = format!("(PID {})", std::process::id());
            ensure!(
                evidence.contains("7 times") && evidence.contains(&who),
                "{evidence}"
            );
        }
        let in_use = finding(snapshot, "can't have 127.0.0.1:4100")?;
        let evidence = tracer::text(in_use, "evidence")?;
        ensure!(evidence.contains("listens there"), "{evidence}");
        Ok(())
    })
}

#[test]
fn a_single_snapshot_counts_no_refused_calls() -> Result<()> {
    in_fresh_netns(|| {
        let all = snapshots(&["--netns", "self"])?;
        ensure_field(&all[0], "refused", Vec::<Value>::new())?;
        ensure_field(&all[0], "unavailable", Vec::<Value>::new())
    })
}

#[test]
fn without_rights_refused_calls_are_declared_unavailable() -> Result<()> {
    let public = PublicCopy::new()?;
    let mut command = public.as_nobody();
    let output = run_as(command.args([
        "states", "--json", "--netns", "self", "-d", "0.2", "-n", "2",
    ]))?;
    ensure!(output.status.success(), "{}", text(&output.stderr)?);
    let lines = ndjson::lines(&output.stdout)?;
    let snapshot = lines.get(1).context("no snapshot")?;
    let unavailable = snapshot["unavailable"]
        .as_array()
        .context("no `unavailable`")?;
    let what = |it: &&Value| it["what"].as_str().is_some_and(|it| it.contains("connect"));
    let reported: Vec<_> = unavailable.iter().filter(what).collect();
    ensure!(reported.len() == 1, "{unavailable:#?}");
    let why = tracer::text(reported[0], "why")?;
    ensure!(why.contains("CAP_BPF") && !why.contains('\n'), "{why}");
    Ok(())
}

#[test]
fn ports_that_run_out_have_a_time_left() -> Result<()> {
    in_fresh_netns(|| {
        let _range = Sysctl::set("net/ipv4/ip_local_port_range", "40000\t41999")?;
        let server = Server::listen(4_100, 200)?;
        server.finish_by_client(100)?;
        let snapshots = snapshots_around(|| server.finish_by_client(300))?;
        let to = |snapshot| row(snapshot, "time_wait", "remote", "127.0.0.1:4100");
        let rows: Vec<_> = snapshots.iter().map(to).collect::<Result<_>>()?;
        let grew = |row: &&&Value| row["growth_per_s"].as_f64() > Some(0.0);
        let full = rows.iter().find(grew).context("it never grew")?;
        let figure = |name: &str| {
            full[name]
                .as_f64()
                .with_context(|| format!("no {name}: {full}"))
        };
        let (growth, left) = (figure("growth_per_s")?, figure("exhausted_in_s")?);
        let expected = figure("headroom")? / growth;
        ensure!((left - expected).abs() < 0.01, "{full}");
        Ok(())
    })
}
