//! `nic`: the state of interfaces, their faults, and the processes that fill them.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netperf_tests::load::flood::Flood;
use netperf_tests::net::netns::in_fresh_netns;
use netperf_tests::net::tun::tun;
use netperf_tests::sys::deadline::Deadline;
use netperf_tests::tracer;
use netperf_tests::tracer::command::{run, run_as, text};
use netperf_tests::tracer::ndjson;
use netperf_tests::tracer::public_copy::PublicCopy;
use netperf_tests::tracer::terminal::Terminal;
use serde_json::Value;

/// Address behind the tun device.
const FAR: &str = "10.79.0.2:9";

/// The ticks of `netperf-trace nic ARGS`.
fn ticks(args: &[&str]) -> Result<Vec<Value>> {
    let output = run([&["nic", "--json"], args].concat())?;
    ensure!(output.status.success(), "{}", text(&output.stderr)?);
    let lines = ndjson::lines(&output.stdout)?;
    let ends = (lines.first().context("no start")?, lines.last());
    ensure!(ends.0["command"] == "nic", "{}", ends.0);
    ensure!(
        ends.1.is_some_and(|end| end["type"] == "end"),
        "{:?}",
        ends.1
    );
    Ok(lines.into_iter().filter(|it| it["type"] == "nic").collect())
}

fn interface<'t>(tick: &'t Value, name: &str) -> Result<&'t Value> {
    let all = tick["interfaces"].as_array().context("no interfaces")?;
    let found = all.iter().find(|row| row["name"] == name);
    found.with_context(|| format!("no {name}: {all:#?}"))
}

/// The finding that contains these words, if any.
fn finding<'t>(tick: &'t Value, words: &str) -> Option<&'t Value> {
    let says = |it: &&Value| it["what"].as_str().is_some_and(|what| what.contains(words));
    tick["findings"].as_array()?.iter().find(says)
}

/// Repeats `nic` until a finding contains these words.
fn await_finding(args: &[&str], words: &str) -> Result<Value> {
    let deadline = Deadline::seconds(20);
    loop {
        let ticks = ticks(&[&["-d", "0.4", "-n", "6"], args].concat())?;
        if let Some(found) = ticks.iter().rev().find_map(|tick| finding(tick, words)) {
            return Ok(found.clone());
        }
        ensure!(!deadline.passed(), "nothing says `{words}`: {:#}", ticks[5]);
    }
}

fn tc(args: &str) -> Result<()> {
    let status = Command::new("tc").args(args.split(' ')).status()?;
    ensure!(status.success(), "`tc {args}` failed");
    Ok(())
}

#[test]
fn a_link_is_shown_with_its_speed_and_half_duplex_is_found() -> Result<()> {
    in_fresh_netns(|| {
        tun(100, false)?;
        let ticks = ticks(&["-d", "0.2", "-n", "1"])?;
        let tick = ticks.first().context("no tick")?;
        let row = interface(tick, "tun9")?;
        ensure!(row["speed_mbit"] == 100 && row["duplex"] == "half", "{row}");
        ensure!(row["kind"] == "tun" && row["driver"] == "tun", "{row}");
        ensure!(row["addresses"][0] == "10.79.0.1", "{row}");
        ensure!(row["up"] == true && row["mtu"] == 1_500, "{row}");
        let found = finding(tick, "half duplex").context("half duplex is not found")?;
        ensure!(found["level"] == "warn", "{found}");
        ensure!(interface(tick, "lo")?["is_loopback"] == true);
        Ok(())
    })
}

#[test]
fn a_full_interface_is_found_with_the_process_that_fills_it() -> Result<()> {
    in_fresh_netns(|| {
        tun(1, true)?;
        let _flood = Flood::start(FAR, Duration::from_millis(2))?;
        let found = await_finding(&["-i", "tun9"], "tun9 is full")?;
        let own = format!("(PID {})", std::process::id());
        let what = found["what"].as_str().unwrap_or_default();
        ensure!(what.contains(&own), "{found:#}");
        let evidence = found["evidence"].as_str().unwrap_or_default();
        ensure!(evidence.contains("of 1 Mbit/s"), "{found:#}");
        Ok(())
    })
}

#[test]
fn packets_that_a_full_queue_drops_are_counted_and_checked() -> Result<()> {
    in_fresh_netns(|| {
        tun(1_000, true)?;
        tc("qdisc add dev tun9 root tbf rate 100kbit burst 2kb limit 4kb")?;
        let sender = Flood::start(FAR, Duration::from_millis(1))?;
        let args = [
            "nic",
            "-b",
            "-d",
            "0.5",
            "-n",
            "2",
            "--fail-if",
            "errors>0,drops>0",
        ];
        let checked = run(args)?;
        let (out, message) = (text(&checked.stdout)?, text(&checked.stderr)?);
        ensure!(
            checked.status.code() == Some(5),
            "{}: {message}",
            checked.status
        );
        ensure!(message.contains("tun9: drops"), "{message}");
        ensure!(!message.contains("errors"), "{message}");
        ensure!(out.contains("FINDINGS") && out.contains("tbf"), "{out}");
        let found = await_finding(&[], "more is to be sent than its tbf lets out")?;
        ensure!(
            found["evidence"]
                .as_str()
                .is_some_and(|it| it.contains("lets out 100 kbit/s")),
            "{found:#}"
        );
        drop(sender);
        let calm = run(["nic", "-b", "-i", "lo", "--fail-if", "drops>0"])?;
        ensure!(calm.status.success(), "{}", text(&calm.stderr)?);
        Ok(())
    })
}

#[test]
fn other_namespaces_are_shown_on_request() -> Result<()> {
    in_fresh_netns(|| {
        tun(10, true)?;
        let own = ticks(&["-d", "0.1", "-n", "1"])?;
        let all = ticks(&["-d", "0.1", "-n", "1", "--netns", "all"])?;
        ensure!(own[0]["namespaces"] == 1, "{}", own[0]);
        // The tests' own namespace has no process but this thread's children: the first one has some.
        ensure!(
            all[0]["namespaces"].as_u64() > Some(1),
            "{}",
            all[0]["namespaces"]
        );
        let loopbacks = all[0]["interfaces"].as_array().context("no interfaces")?;
        let loopbacks = loopbacks.iter().filter(|row| row["name"] == "lo");
        ensure!(loopbacks.count() > 1, "one namespace only");
        Ok(())
    })
}

#[test]
fn it_needs_no_rights_and_explains_a_wrong_command_line() -> Result<()> {
    let public = PublicCopy::new()?;
    let mut command = public.as_nobody();
    let output = run_as(command.args(["nic", "-b", "-d", "0.1", "-n", "1"]))?;
    let (out, message) = (text(&output.stdout)?, text(&output.stderr)?);
    ensure!(output.status.success(), "{message}");
    ensure!(out.contains("INTERFACE") && out.contains("lo "), "{out}");
    for (args, words) in [
        (["nic", "--fail-if", "errors"], "is no condition"),
        (["nic", "--fail-if", "loss>1"], "errors, drops, util"),
        (["nic", "-i", "none0"], "there is no interface `none0`"),
    ] {
        let output = run(args)?;
        let message = text(&output.stderr)?;
        ensure!(output.status.code() == Some(2), "{args:?}: {message}");
        ensure!(message.contains(words), "{args:?}: {message}");
    }
    Ok(())
}

#[test]
fn on_a_terminal_it_goes_on_until_q() -> Result<()> {
    let mut command = Command::new(tracer::binary()?);
    command.args(["nic", "-d", "0.2", "-i", "lo"]);
    let mut terminal = Terminal::start(&mut command, 24, 100)?;
    let first = terminal.wait_for_text("FINDINGS")?;
    ensure!(
        first.contains("INTERFACE") && first.contains("  tick "),
        "{first}"
    );
    let time = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let again = |screen: &vt100::Screen| time(&screen.contents()) != time(&first);
    terminal.wait_for("another tick in the same place", again)?;
    terminal.press("q")?;
    ensure!(terminal.end()?.success(), "q is no failure");
    Ok(())
}
