//! `dns` against a DNS server of the tests, in a network namespace with its own resolv.conf.

mod reference;
mod watch;

use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use netperf_tests::net::netns::in_fresh_netns;
use netperf_tests::peer::dns_server::{self, A, AAAA, DnsServer, Script, TXT};
use netperf_tests::sys::turn;
use netperf_tests::tracer;
use netperf_tests::tracer::command::{run_as, text};
use netperf_tests::tracer::probe::{self, ensure_finding, ensure_harmless};
use netperf_tests::tracer::sandbox::Sandbox;
use serde_json::Value;

const ADDRESS: &[u8] = &[192, 0, 2, 1];
const SERVFAIL: u8 = 2;

fn run(resolv_conf: &str, args: &[&str]) -> Result<Output> {
    run_as(
        Sandbox::here()
            .resolv_conf(resolv_conf)
            .command(&tracer::binary()?)
            .args(args),
    )
}

/// The tick of `dns --json`, and the exit status.
fn tick(resolv_conf: &str, args: &[&str]) -> Result<(Value, Option<i32>)> {
    let output = run(resolv_conf, &[&["dns", "--json"], args].concat())?;
    probe::tick(&output, "dns")
}

/// The median time and the results of a type, of the resolver at `place`.
fn of_type<'t>(tick: &'t Value, place: usize, kind: &str) -> Result<&'t Value> {
    let types = tick["resolvers"][place]["types"]
        .as_array()
        .context("no types")?;
    let found = types.iter().find(|it| it["record_type"] == kind);
    found.with_context(|| format!("no {kind} in {types:?}"))
}

#[test]
fn slow_and_fast_resolvers_are_measured_in_order() -> Result<()> {
    let _turn = turn::shared();
    in_fresh_netns(|| {
        let answer = |ms| [("x.test", A, Script::values(ms, &[ADDRESS]))];
        let _slow = DnsServer::at([127, 0, 0, 2], &answer(400))?;
        let _fast = DnsServer::at([127, 0, 0, 3], &answer(5))?;
        let conf = "nameserver 127.0.0.2\\nnameserver 127.0.0.3\\n";
        let (tick, status) = tick(conf, &["x.test", "-c", "3"])?;
        ensure!(status == Some(0), "{tick}");
        let median = |place| of_type(&tick, place, "A").map(|it| it["time"]["p50_us"].as_u64());
        let (slow, fast) = (median(0)?.context("none")?, median(1)?.context("none")?);
        ensure!((400_000..3_000_000).contains(&slow), "{slow}");
        ensure!((5_000..slow).contains(&fast), "{fast}");
        let a = of_type(&tick, 0, "A")?;
        ensure!(
            a["sent"] == 3 && a["answered"] == 3 && a["results"]["NOERROR"] == 3,
            "{a}"
        );
        ensure!(a["records"][0]["value"] == "192.0.2.1", "{a}");
        ensure_finding(&tick, "warn", "127.0.0.2:53 is slow")?;
        let advice = tick["findings"].to_string();
        ensure!(
            advice.contains("put `nameserver 127.0.0.3` first"),
            "{advice}"
        );
        Ok(())
    })
}

#[test]
fn queries_for_search_domains_are_counted() -> Result<()> {
    let _turn = turn::shared();
    in_fresh_netns(|| {
        let server = DnsServer::at(
            [127, 0, 0, 2],
            &[("db.b.test", A, Script::values(0, &[ADDRESS]))],
        )?;
        let conf = "nameserver 127.0.0.2\\nsearch a.test b.test\\noptions ndots:2\\n";
        let (tick, status) = tick(conf, &["db", "-c", "1"])?;
        ensure!(status == Some(0), "{tick}");
        let lookup = &tick["lookup"];
        ensure!(
            lookup["names"] == serde_json::json!(["db.a.test", "db.b.test"]),
            "{lookup}"
        );
        ensure!(
            lookup["sent"] == 4 && lookup["found"] == "db.b.test",
            "{lookup}"
        );
        ensure!(tick["asked"] == "db.b.test", "{tick}");
        ensure_finding(&tick, "warn", "one lookup costs 4 queries")?;
        ensure!(
            server.questions().len() == 6,
            "4 of the lookup, 2 of the measurement"
        );
        Ok(())
    })
}

#[test]
fn a_truncated_answer_is_fetched_over_tcp() -> Result<()> {
    let _turn = turn::shared();
    in_fresh_netns(|| {
        let cut = Script::values(0, &[ADDRESS]).truncated();
        let server = DnsServer::at([127, 0, 0, 2], &[("long.test", A, cut)])?;
        let (tick, status) = tick("nameserver 127.0.0.2\\n", &["long.test", "a", "-c", "2"])?;
        let row = of_type(&tick, 0, "A")?;
        ensure!(status == Some(0) && row["truncated"] == 2, "{tick}");
        ensure!(row["records"][0]["value"] == "192.0.2.1", "{row}");
        ensure_finding(&tick, "warn", "do not fit into a datagram")?;
        ensure!(
            server.questions().iter().filter(|it| it.tcp).count() >= 2,
            "nothing over TCP"
        );
        Ok(())
    })
}

#[test]
fn failing_silent_and_refused_resolvers_end_with_status_5() -> Result<()> {
    let _turn = turn::shared();
    in_fresh_netns(|| {
        let scripts = [
            ("bad.test", A, Script::rcode(SERVFAIL)),
            ("lost.test", A, Script::Silence),
            ("half.test", A, Script::values(0, &[ADDRESS])),
            ("half.test", AAAA, Script::Silence),
        ];
        let _server = DnsServer::at([127, 0, 0, 2], &scripts)?;
        let conf = "nameserver 127.0.0.2\\noptions timeout:1 attempts:1\\n";
        let ask = |words: &[&str]| tick(conf, &[words, &["-c", "1", "--timeout", "0.5"]].concat());
        let (bad, status) = ask(&["bad.test", "A"])?;
        ensure_finding(&bad, "critical", "fails: SERVFAIL")?;
        ensure!(status == Some(5), "{bad}");
        let (lost, status) = ask(&["lost.test", "A"])?;
        ensure_finding(&lost, "critical", "127.0.0.2:53 does not answer")?;
        ensure!(status == Some(5), "{lost}");
        let (none, status) = ask(&["none.test", "A"])?;
        ensure_finding(&none, "critical", "there is no name none.test")?;
        ensure!(status == Some(5), "{none}");
        let (half, _) = ask(&["half.test"])?;
        ensure_finding(&half, "warn", "answers A and loses AAAA")?;
        let (refused, status) = tick("nameserver 127.0.0.7\\n", &["x.test", "-c", "1"])?;
        ensure_finding(&refused, "critical", "nothing listens there")?;
        ensure!(status == Some(5), "{refused}");
        Ok(())
    })
}

#[test]
fn without_a_network_it_fails_with_the_reason_and_status_5() -> Result<()> {
    let _turn = turn::shared();
    in_fresh_netns(|| {
        let output = run("nameserver 192.0.2.53\\n", &["dns", "x.test", "-c", "1"])?;
        let message = text(&output.stderr)?;
        ensure!(
            output.status.code() == Some(5),
            "{}: {message}",
            output.status
        );
        ensure!(message.contains("Network is unreachable"), "{message}");
        Ok(())
    })
}

#[test]
fn an_entry_in_the_hosts_file_is_noted() -> Result<()> {
    let _turn = turn::shared();
    in_fresh_netns(|| {
        let _server = DnsServer::at(
            [127, 0, 0, 2],
            &[("fixed.test", A, Script::values(0, &[ADDRESS]))],
        )?;
        let (tick, _) = tick("nameserver 127.0.0.2\\n", &["fixed.test", "-c", "1"])?;
        ensure_finding(&tick, "ok", "it is in /etc/hosts")?;
        ensure!(tick["lookup"]["addresses"][0] == "192.0.2.9", "{tick}");
        ensure!(tick["lookup"]["sent"] == 0, "{tick}");
        Ok(())
    })
}

#[test]
fn answers_can_not_steer_the_terminal() -> Result<()> {
    let _turn = turn::shared();
    in_fresh_netns(|| {
        let hostile = b"\x0c\x1b[2Jevil\xff\x9b\x07";
        let scripts = [("evil.test", TXT, Script::values(0, &[&hostile[..]]))];
        let _server = DnsServer::at([127, 0, 0, 2], &scripts)?;
        for json in ["--json", "-b"] {
            let output = run(
                "nameserver 127.0.0.2\\n",
                &["dns", "evil.test", "txt", "-c", "1", json],
            )?;
            ensure_harmless(text(&output.stdout)?, "evil")?;
        }
        Ok(())
    })
}

#[test]
fn its_answers_are_those_of_the_c_library() -> Result<()> {
    let _turn = turn::shared();
    in_fresh_netns(|| {
        let scripts = [("db.b.test", A, Script::values(0, &[ADDRESS]))];
        let _server = DnsServer::at([127, 0, 0, 2], &scripts)?;
        let conf = "nameserver 127.0.0.2\\nsearch a.test b.test\\n";
        dns_server::enable_lookups()?;
        for name in ["db", "db.b.test", "db.b.test.", "fixed.test"] {
            let (tick, _) = tick(conf, &[name, "-c", "1"])?;
            let ours = tick["lookup"]["addresses"][0]
                .as_str()
                .unwrap_or("none")
                .to_owned();
            let mut getent = Sandbox::here()
                .resolv_conf(conf)
                .command(Path::new("getent"));
            let output = run_as(getent.args(["ahostsv4", name]))?;
            let theirs = text(&output.stdout)?
                .split_whitespace()
                .next()
                .unwrap_or("none")
                .to_owned();
            ensure!(ours == theirs, "{name}: {ours}, getent says {theirs}");
        }
        Ok(())
    })
}
