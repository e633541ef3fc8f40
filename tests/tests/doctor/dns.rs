//! `doctor` and name resolution: resolvers that are slow, fail, or do not answer.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netperf_tests::checks::lookups::{ADDRESS, SERVFAIL, ask, question};
use netperf_tests::net::netns::in_fresh_netns;
use netperf_tests::peer::dns_server::{A, DnsServer, Script};
use netperf_tests::tracer::command::{run, text};

use super::{Repeat, check, own, report, verdict};

/// Repeats queries for a name to a server of the test, which answers by this script.
fn repeat_queries(host: [u8; 4], script: Script) -> Result<(DnsServer, Repeat)> {
    let answers = !matches!(script, Script::Silence);
    let server = DnsServer::at(host, &[("slow.report", A, script)])?;
    let address = server.address;
    let repeat = Repeat::every(Duration::from_millis(30), move || {
        let _ = ask(address, &question(7, "slow.report", A), answers);
    });
    Ok((server, repeat))
}

#[test]
fn a_slow_resolver_is_the_cause_and_the_process_that_waits_is_named() -> Result<()> {
    in_fresh_netns(|| {
        let _asking = repeat_queries([127, 0, 0, 2], Script::values(200, &[ADDRESS]))?;
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
            all.contains("`netperf-trace dns slow.report @127.0.0.2`"),
            "{all}"
        );
        Ok(())
    })
}

#[test]
fn a_resolver_that_fails_is_the_cause() -> Result<()> {
    in_fresh_netns(|| {
        let _asking = repeat_queries([127, 0, 0, 2], Script::rcode(SERVFAIL))?;
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
    in_fresh_netns(|| {
        let _asking = repeat_queries([127, 0, 0, 2], Script::Silence)?;
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
    in_fresh_netns(|| {
        let _asking = repeat_queries([127, 0, 0, 2], Script::values(0, &[ADDRESS]))?;
        let pid = std::process::id().to_string();
        let report = report(&["--pid", &pid])?;
        let dns = check(&report, "dns")?;
        ensure!(dns["status"] == "ok", "{dns:#}");
        let rows = report["lookups"].as_array().context("no lookups")?;
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
