//! Does `doctor` name the cause and the process on its first line, and what one process waits for?

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netperf_tests::batch::{run, run_as, text};
use netperf_tests::dns_server::{A, DnsServer, Script};
use netperf_tests::failing;
use netperf_tests::flood::Sender;
use netperf_tests::held::{FAR, await_traffic, far, near, sink, source};
use netperf_tests::lookups::{ADDRESS, SERVFAIL, ask, question};
use netperf_tests::netns::Cabled;
use netperf_tests::public::Public;
use netperf_tests::socket_list::alone;
use netperf_tests::state_scene::Server;
use netperf_tests::sysctl::Sysctl;
use netperf_tests::tracer;
use netperf_tests::tun::tun;
use serde_json::Value;

/// Only what is in the namespace of this thread.
const HERE: [&str; 5] = ["doctor", "--netns", "self", "--for", "1s"];

/// The first line of a verdict that something is wrong, and all of it.
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

/// As JSON, with more options.
fn triage(options: &[&str]) -> Result<Value> {
    let output = run([&HERE[..], &["--json"], options].concat())?;
    let lines = text(&output.stdout)?.lines().map(serde_json::from_str);
    let lines: Vec<Value> = lines.collect::<Result<_, _>>()?;
    let [start, triage, end] = &lines[..] else {
        anyhow::bail!("{lines:#?}");
    };
    ensure!(
        start["type"] == "start" && start["command"] == "doctor",
        "{start}"
    );
    ensure!(triage["type"] == "doctor", "{triage:#}");
    ensure!(end["type"] == "end" && end["reason"] == "duration", "{end}");
    let is_bad = triage["status"] == "warn" || triage["status"] == "critical";
    let expected = if is_bad { 5 } else { 0 };
    ensure!(
        output.status.code() == Some(expected),
        "{}: {triage:#}",
        output.status
    );
    Ok(triage.clone())
}

fn check<'t>(triage: &'t Value, topic: &str) -> Result<&'t Value> {
    let checks = triage["checks"].as_array().context("no checks")?;
    let found = checks.iter().find(|check| check["topic"] == topic);
    found.with_context(|| format!("no check of {topic}: {checks:#?}"))
}

/// The finding of a check that says so.
fn says<'t>(check: &'t Value, words: &str) -> Result<&'t Value> {
    let findings = check["findings"].as_array().context("no findings")?;
    let says = |it: &&Value| it["what"].as_str().is_some_and(|what| what.contains(words));
    let found = findings.iter().find(says);
    found.with_context(|| format!("nothing says `{words}`: {check:#}"))
}

/// How this process is named.
fn own() -> String {
    format!("(PID {})", std::process::id())
}

/// Does something again and again until it is dropped.
struct Again(Arc<AtomicBool>, Option<thread::JoinHandle<()>>);

impl Again {
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

impl Drop for Again {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        if let Some(acting) = self.1.take() {
            let _ = acting.join();
        }
    }
}

#[test]
fn a_program_that_does_not_close_is_the_cause() -> Result<()> {
    alone(|| {
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
fn ports_that_ran_out_are_the_cause_and_who_wanted_one_is_named() -> Result<()> {
    alone(|| {
        let _range = Sysctl::set("net/ipv4/ip_local_port_range", "40000\t40099")?;
        let server = Server::listen(4_100, 200)?;
        let _held = server.exhaust(200)?;
        let address = server.address;
        let _again = Again::every(Duration::from_millis(50), move || {
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
    alone(|| {
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
fn who_fills_a_link_is_the_cause() -> Result<()> {
    alone(|| {
        tun(1, true)?;
        let _sender = Sender::start("10.79.0.2:9", Duration::from_millis(2))?;
        let (first, all) = verdict()?;
        ensure!(first.contains("tun9 is full, most of all by"), "{all}");
        ensure!(first.contains(&own()), "{all}");
        Ok(())
    })
}

#[test]
fn connections_that_are_refused_are_told_with_who_begins_them() -> Result<()> {
    alone(|| {
        let _again = Again::every(Duration::from_millis(30), || {
            let _ = TcpStream::connect("127.0.0.1:9");
        });
        let triage = triage(&[])?;
        let found = says(check(&triage, "failing")?, "is refused by 127.0.0.1:9")?;
        ensure!(
            found["what"].as_str().is_some_and(|it| it.contains(&own())),
            "{found:#}"
        );
        ensure!(found["level"] == "critical", "{found:#}");
        ensure!(
            triage["verdict"]
                .as_str()
                .is_some_and(|it| it.contains("refused")),
            "{triage:#}"
        );
        Ok(())
    })
}

#[test]
fn every_connection_that_fails_is_told_with_its_error() -> Result<()> {
    alone(|| {
        let doctor = failing::doctor("auto")?;
        failing::play()?;
        let triage = failing::check(doctor)?;
        let failing = check(&triage, "failing")?;
        let found = says(failing, "can't reach 192.0.2.7:80: no route leads there")?;
        let evidence = found["evidence"].as_str().context("no evidence")?;
        ensure!(
            evidence == "connect failed with ENETUNREACH (`Network is unreachable`) 6 times",
            "{found:#}"
        );
        ensure!(
            found["what"].as_str().is_some_and(|it| it.contains(&own())),
            "{found:#}"
        );
        let refused = says(failing, "is refused by 127.0.0.1:9: nothing listens there")?;
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

/// Asks a server of the test again and again for a name, which is answered so.
fn asking(host: [u8; 4], script: Script) -> Result<(DnsServer, Again)> {
    let answers = !matches!(script, Script::Silence);
    let server = DnsServer::at(host, &[("slow.triage", A, script)])?;
    let address = server.address;
    let again = Again::every(Duration::from_millis(30), move || {
        let _ = ask(address, &question(7, "slow.triage", A), answers);
    });
    Ok((server, again))
}

#[test]
fn a_slow_resolver_is_the_cause_and_who_waits_for_it_is_named() -> Result<()> {
    alone(|| {
        let _asking = asking([127, 0, 0, 2], Script::values(200, &[ADDRESS]))?;
        let (first, all) = verdict()?;
        ensure!(
            first.contains("most likely cause: DNS:") && first.contains(&own()),
            "{all}"
        );
        ensure!(
            first.contains("waits long for names: resolver 127.0.0.2:53 is slow"),
            "{all}"
        );
        ensure!(
            all.contains("`netperf-trace dns slow.triage @127.0.0.2`"),
            "{all}"
        );
        Ok(())
    })
}

#[test]
fn a_resolver_that_fails_is_the_cause() -> Result<()> {
    alone(|| {
        let _asking = asking([127, 0, 0, 2], Script::rcode(SERVFAIL))?;
        let (first, all) = verdict()?;
        ensure!(first.starts_with("critical"), "{all}");
        ensure!(
            first.contains("resolver 127.0.0.2:53 fails for") && first.contains(&own()),
            "{all}"
        );
        ensure!(first.ends_with("SERVFAIL"), "{all}");
        Ok(())
    })
}

#[test]
fn a_resolver_that_does_not_answer_is_the_cause() -> Result<()> {
    alone(|| {
        let _asking = asking([127, 0, 0, 2], Script::Silence)?;
        let output = run(["doctor", "--netns", "self", "--for", "3s"])?;
        let all = text(&output.stdout)?;
        let first = all.lines().next().context("no verdict")?;
        ensure!(output.status.code() == Some(5), "{all}");
        ensure!(first.starts_with("critical"), "{all}");
        ensure!(
            first.contains("gets no answer from resolver 127.0.0.2:53") && first.contains(&own()),
            "{all}"
        );
        Ok(())
    })
}

#[test]
fn fast_names_are_evidence_that_it_is_not_dns() -> Result<()> {
    alone(|| {
        let _asking = asking([127, 0, 0, 2], Script::values(0, &[ADDRESS]))?;
        let pid = std::process::id().to_string();
        let triage = triage(&["--pid", &pid])?;
        let dns = check(&triage, "dns")?;
        ensure!(dns["status"] == "ok", "{dns:#}");
        let rows = triage["lookups"].as_array().context("no lookups")?;
        let row = rows.iter().find(|row| row["resolver"] == "127.0.0.2:53");
        let row = row.with_context(|| format!("not asked: {rows:#?}"))?;
        ensure!(
            row["pids"] == serde_json::json!([std::process::id()]),
            "{row}"
        );
        ensure!(
            row["queries"].as_u64() > Some(3) && row["lost"] == 0,
            "{row}"
        );
        ensure!(row["time"]["p95_us"].as_u64() < Some(100_000), "{row}");
        Ok(())
    })
}

#[test]
fn a_process_that_waits_for_its_receiver_is_told_to() -> Result<()> {
    alone(|| {
        let listener = TcpListener::bind("127.0.0.1:4300")?;
        let client = TcpStream::connect("127.0.0.1:4300")?;
        let (server, _) = listener.accept()?;
        let writing = client.try_clone()?;
        // Nobody reads: the writer waits until the connection is shut down.
        let writer = thread::spawn(move || {
            let mut writing = writing;
            while writing.write_all(&[0; 4_096]).is_ok() {}
        });
        let pid = std::process::id().to_string();
        let result = triage(&["--pid", &pid]);
        client.shutdown(Shutdown::Both)?;
        drop(server);
        let _ = writer.join();
        let triage = result?;
        ensure!(
            triage["pid"].as_u64() == Some(std::process::id().into()),
            "{triage:#}"
        );
        let process = check(&triage, "process")?;
        // Both ends are this process: one does not read, and the other waits for it.
        says(process, "waits for the receiver: 127.0.0.1:4300")?;
        says(process, "does not read what 127.0.0.1:")?;
        ensure!(
            triage["verdict"]
                .as_str()
                .is_some_and(|it| it.contains(&own())),
            "{triage:#}"
        );
        Ok(())
    })
}

#[test]
fn a_namespace_in_which_nothing_happens_has_no_trouble_with_the_network() -> Result<()> {
    alone(|| {
        let triage = triage(&[])?;
        for topic in [
            "interfaces",
            "dns",
            "loss",
            "closing",
            "ports",
            "failing",
            "mtu",
        ] {
            ensure!(check(&triage, topic)?["status"] == "ok", "{triage:#}");
        }
        let dns = check(&triage, "dns")?["evidence"].as_str();
        ensure!(
            dns.is_some_and(|it| it.starts_with("no lookup was seen")),
            "{triage:#}"
        );
        Ok(())
    })
}

#[test]
fn without_rights_it_checks_what_it_can() -> Result<()> {
    let public = Public::new()?;
    let mut command = public.as_nobody();
    let options = ["doctor", "--netns", "self", "--for", "1s", "--json"];
    let output = run_as(command.args(options))?;
    let lines = text(&output.stdout)?.lines().map(serde_json::from_str);
    let lines: Vec<Value> = lines.collect::<Result<_, _>>()?;
    let triage = lines.get(1).context("no verdict")?;
    let status = |topic| check(triage, topic).map(|check| &check["status"]);
    ensure!(
        status("loss")? == "skipped"
            && status("dns")? == "skipped"
            && status("interfaces")? != "skipped",
        "{triage:#}"
    );
    let missing = triage["unavailable"]
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
    let cabled = Cabled::new()?;
    let shape = "qdisc add dev cable0 root tbf rate 8mbit burst 16kb limit 64kb";
    let shaped = cabled.near("tc").args(shape.split(' ')).status()?;
    ensure!(shaped.success(), "no shaper");
    let mut sink = sink(&mut far(&cabled)?, "tcp", FAR)?;
    let source = source(&mut near(&cabled)?, "tcp", FAR, 2)?;
    await_traffic(&mut sink)?;
    let pid = source.pid();
    let output = run_as(
        cabled
            .near("timeout")
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
    let asked = ["doctor", "--for", "2s", "--pid", &pid.to_string()];
    let output = run(asked)?;
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
