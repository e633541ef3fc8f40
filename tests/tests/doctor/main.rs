//! `doctor` names the cause and the process on its first line.

mod dns;

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netperf_tests::checks::failed_connects;
use netperf_tests::checks::rate_limit::{FAR, await_traffic, far, near, sink, source};
use netperf_tests::load::flood::Flood;
use netperf_tests::load::states::Server;
use netperf_tests::net::netns::in_fresh_netns;
use netperf_tests::net::tun::tun;
use netperf_tests::net::veth::VethPair;
use netperf_tests::sys::sysctl::Sysctl;
use netperf_tests::tracer;
use netperf_tests::tracer::command::{run, run_as, text};
use netperf_tests::tracer::ndjson;
use netperf_tests::tracer::public_copy::PublicCopy;
use serde_json::Value;

/// `doctor` for the network namespace of this thread only.
const HERE: [&str; 5] = ["doctor", "--netns", "self", "--for", "1s"];

/// The first line of a failed verdict, and all of its text.
fn verdict() -> Result<(String, String)> {
    let output = run(HERE)?;
    let (out, message) = (text(&output.stdout)?, text(&output.stderr)?);
    ensure!(
        output.status.code() == Some(5),
        "{}: {out}\n{message}",
        output.status
    );
    let first = out.lines().next().context("no verdict")?;
    Ok((first.to_owned(), out.to_owned()))
}

/// The report in JSON, with more options.
fn report(options: &[&str]) -> Result<Value> {
    let output = run([&HERE[..], &["--json"], options].concat())?;
    let lines = ndjson::lines(&output.stdout)?;
    let [start, report, end] = &lines[..] else {
        anyhow::bail!("{lines:#?}");
    };
    ensure!(
        start["type"] == "start" && start["command"] == "doctor",
        "{start}"
    );
    ensure!(report["type"] == "doctor", "{report:#}");
    ensure!(end["type"] == "end" && end["reason"] == "duration", "{end}");
    let is_bad = report["status"] == "warn" || report["status"] == "critical";
    let expected = if is_bad { 5 } else { 0 };
    ensure!(
        output.status.code() == Some(expected),
        "{}: {report:#}",
        output.status
    );
    Ok(report.clone())
}

fn check<'t>(report: &'t Value, topic: &str) -> Result<&'t Value> {
    let checks = report["checks"].as_array().context("no checks")?;
    let found = checks.iter().find(|check| check["topic"] == topic);
    found.with_context(|| format!("no check of {topic}: {checks:#?}"))
}

/// The finding of a check that contains these words.
fn finding<'t>(check: &'t Value, words: &str) -> Result<&'t Value> {
    let findings = check["findings"].as_array().context("no findings")?;
    let says = |it: &&Value| it["what"].as_str().is_some_and(|what| what.contains(words));
    let found = findings.iter().find(says);
    found.with_context(|| format!("nothing says `{words}`: {check:#}"))
}

/// The name and pid of this process, as findings show them.
fn own() -> String {
    format!("(PID {})", std::process::id())
}

/// Repeats something until it is dropped.
struct Repeat(Arc<AtomicBool>, Option<thread::JoinHandle<()>>);

impl Repeat {
    fn every(rest: Duration, act: impl Fn() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let acting = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                act();
                thread::sleep(rest);
            }
        });
        Self(stop, Some(acting))
    }
}

impl Drop for Repeat {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        if let Some(acting) = self.1.take() {
            let _ = acting.join();
        }
    }
}

#[test]
fn a_program_that_does_not_close_is_the_cause() -> Result<()> {
    in_fresh_netns(|| {
        let server = Server::listen(4_100, 200)?;
        let _unclosed = server.leave_unclosed(150)?;
        let (first, all) = verdict()?;
        let cause = "does not close 150 connections that the other end has closed";
        ensure!(
            first.contains("most likely cause") && first.contains(&own()),
            "{all}"
        );
        ensure!(first.contains(cause), "{all}");
        ensure!(all.contains("CHECKS, measured for"), "{all}");
        Ok(())
    })
}

#[test]
fn exhausted_ports_are_the_cause_and_the_process_that_needs_one_is_named() -> Result<()> {
    in_fresh_netns(|| {
        let _range = Sysctl::set("net/ipv4/ip_local_port_range", "40000\t40099")?;
        let server = Server::listen(4_100, 200)?;
        let _held = server.exhaust(200)?;
        let address = server.address;
        let _again = Repeat::every(Duration::from_millis(50), move || {
            let _ = TcpStream::connect(address);
        });
        let (first, all) = verdict()?;
        ensure!(first.starts_with("critical"), "{all}");
        ensure!(
            first.contains("127.0.0.1:4100") && first.contains("connections fail"),
            "{all}"
        );
        ensure!(first.contains(&own()), "{all}");
        Ok(())
    })
}

#[test]
fn time_wait_that_takes_up_the_ports_is_the_cause_and_its_likely_owner_is_named() -> Result<()> {
    in_fresh_netns(|| {
        let _range = Sysctl::set("net/ipv4/ip_local_port_range", "40000\t40999")?;
        let _kept = Sysctl::set("net/ipv4/tcp_tw_reuse", "0")?;
        let server = Server::listen(4_100, 200)?;
        server.finish_by_client(970)?;
        let _open = server.connection()?;
        let (first, all) = verdict()?;
        ensure!(first.starts_with("critical"), "{all}");
        ensure!(
            first.contains("ports for new connections to 127.0.0.1:4100 run out"),
            "{all}"
        );
        ensure!(first.contains(&own()), "{all}");
        ensure!(
            all.contains("971 of 1 000 ports to 127.0.0.1:4100"),
            "{all}"
        );
        Ok(())
    })
}

#[test]
fn the_process_that_fills_a_link_is_the_cause() -> Result<()> {
    in_fresh_netns(|| {
        tun(1, true)?;
        let _flood = Flood::start("10.79.0.2:9", Duration::from_millis(2))?;
        let (first, all) = verdict()?;
        ensure!(first.contains("tun9 is full, most of all by"), "{all}");
        ensure!(first.contains(&own()), "{all}");
        Ok(())
    })
}

#[test]
fn refused_connections_are_reported_with_their_process() -> Result<()> {
    in_fresh_netns(|| {
        let _again = Repeat::every(Duration::from_millis(30), || {
            let _ = TcpStream::connect("127.0.0.1:9");
        });
        let report = report(&[])?;
        let found = finding(check(&report, "failing")?, "is refused by 127.0.0.1:9")?;
        ensure!(
            found["what"].as_str().is_some_and(|it| it.contains(&own())),
            "{found:#}"
        );
        ensure!(found["level"] == "critical", "{found:#}");
        ensure!(
            report["verdict"]
                .as_str()
                .is_some_and(|it| it.contains("refused")),
            "{report:#}"
        );
        Ok(())
    })
}

#[test]
fn every_failed_connection_is_reported_with_its_error() -> Result<()> {
    in_fresh_netns(|| {
        let doctor = failed_connects::doctor("auto")?;
        failed_connects::run()?;
        let report = failed_connects::check(doctor)?;
        let failing = check(&report, "failing")?;
        let found = finding(failing, "can't reach 192.0.2.7:80: no route leads there")?;
        let evidence = found["evidence"].as_str().context("no evidence")?;
        ensure!(
            evidence == "connect failed with ENETUNREACH (`Network is unreachable`) 6 times",
            "{found:#}"
        );
        ensure!(
            found["what"].as_str().is_some_and(|it| it.contains(&own())),
            "{found:#}"
        );
        let refused = finding(failing, "is refused by 127.0.0.1:9: nothing listens there")?;
        let evidence = refused["evidence"].as_str().context("no evidence")?;
        ensure!(
            evidence == "connect failed with ECONNREFUSED (`Connection refused`) 8 times",
            "{refused:#}"
        );
        let sum = failing["evidence"].as_str().context("no evidence")?;
        for errno in [
            "ECONNREFUSED 11 times",
            "ENETUNREACH 11 times",
            "ETIMEDOUT 2 times",
        ] {
            ensure!(sum.contains(errno), "{sum}");
        }
        Ok(())
    })
}

#[test]
fn a_process_that_waits_for_its_receiver_is_reported_as_such() -> Result<()> {
    in_fresh_netns(|| {
        let listener = TcpListener::bind("127.0.0.1:4300")?;
        let client = TcpStream::connect("127.0.0.1:4300")?;
        let (server, _) = listener.accept()?;
        let writing = client.try_clone()?;
        // The other end does not read: the writer waits until the connection is shut down.
        let writer = thread::spawn(move || {
            let mut writing = writing;
            while writing.write_all(&[0; 4_096]).is_ok() {}
        });
        let pid = std::process::id().to_string();
        let result = report(&["--pid", &pid]);
        client.shutdown(Shutdown::Both)?;
        drop(server);
        let _ = writer.join();
        let report = result?;
        ensure!(
            report["pid"].as_u64() == Some(std::process::id().into()),
            "{report:#}"
        );
        let process = check(&report, "process")?;
        // Both ends are this process: one does not read, and the other waits for it.
        finding(process, "waits for the receiver: 127.0.0.1:4300")?;
        finding(process, "does not read what 127.0.0.1:")?;
        ensure!(
            report["verdict"]
                .as_str()
                .is_some_and(|it| it.contains(&own())),
            "{report:#}"
        );
        Ok(())
    })
}

#[test]
fn a_namespace_in_which_nothing_happens_has_no_trouble_with_the_network() -> Result<()> {
    in_fresh_netns(|| {
        let report = report(&[])?;
        for topic in [
            "interfaces",
            "dns",
            "loss",
            "closing",
            "ports",
            "failing",
            "mtu",
        ] {
            ensure!(check(&report, topic)?["status"] == "ok", "{report:#}");
        }
        let dns = check(&report, "dns")?["evidence"].as_str();
        ensure!(
            dns.is_some_and(|it| it.starts_with("no lookup was seen")),
            "{report:#}"
        );
        Ok(())
    })
}

#[test]
fn without_rights_it_checks_what_it_can() -> Result<()> {
    let public = PublicCopy::new()?;
    let mut command = public.as_nobody();
    let options = ["doctor", "--netns", "self", "--for", "1s", "--json"];
    let output = run_as(command.args(options))?;
    let lines = ndjson::lines(&output.stdout)?;
    let report = lines.get(1).context("no verdict")?;
    let status = |topic| check(report, topic).map(|check| &check["status"]);
    ensure!(
        status("loss")? == "skipped"
            && status("dns")? == "skipped"
            && status("interfaces")? != "skipped",
        "{report:#}"
    );
    let missing = report["unavailable"]
        .as_array()
        .context("nothing is missing")?;
    let why = missing.iter().filter_map(|it| it["why"].as_str());
    ensure!(
        why.into_iter().any(|why| why.contains("CAP_BPF")),
        "{missing:#?}"
    );
    Ok(())
}

#[test]
fn a_transfer_that_fills_a_shaped_link_is_the_cause_also_of_its_own_waiting() -> Result<()> {
    let veth = VethPair::new()?;
    let shape = "qdisc add dev cable0 root tbf rate 8mbit burst 16kb limit 64kb";
    let shaped = veth.near("tc").args(shape.split(' ')).status()?;
    ensure!(shaped.success(), "no shaper");
    let mut sink = sink(&mut far(&veth)?, "tcp", FAR)?;
    let source = source(&mut near(&veth)?, "tcp", FAR, 2)?;
    await_traffic(&mut sink)?;
    let pid = source.pid();
    let output = run_as(
        veth.near("timeout")
            .arg("20")
            .arg(tracer::binary()?)
            .args(HERE),
    )?;
    let all = text(&output.stdout)?;
    let first = all.lines().next().context("no verdict")?;
    ensure!(
        first.contains("cable0 is full") && first.contains(&format!("(PID {pid})")),
        "{all}"
    );
    let args = ["doctor", "--for", "2s", "--pid", &pid.to_string()];
    let output = run(args)?;
    let all = text(&output.stdout)?;
    ensure!(
        all.lines()
            .next()
            .is_some_and(|first| first.contains("cable0")),
        "{all}"
    );
    ensure!(
        all.contains(&format!("waits for the network: the way to {FAR}")),
        "{all}"
    );
    Ok(())
}
