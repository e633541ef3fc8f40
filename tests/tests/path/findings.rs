//! The findings of `path` over a chain of routers: each fault, and only that.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netperf_tests::checks::route::{
    CABLES, both, ensure_no_loss, ensure_words, findings, hosts, outcome, path,
};
use netperf_tests::net::chain::{Chain, Link};
use netperf_tests::net::relay::Impairment;
use netperf_tests::tracer::command::{run_as, text};
use netperf_tests::tracer::integer;

fn one_in_19() -> Link {
    Link::Impaired(Impairment {
        drop_one_in: Some(19),
        ..Impairment::default()
    })
}

#[test]
fn a_silent_router_is_no_loss_and_neither_is_one_that_answers_rarely() -> Result<()> {
    let chain = Chain::new(&CABLES)?;
    chain.limit_answers(2, 100_000_000)?;
    for (status, tick) in both(&chain, &["-c", "5", "--fail-if", "loss>0"])? {
        ensure!(status == Some(0), "{status:?}: {tick:#}");
        ensure!(hosts(&tick)[1] == "-", "{tick:#}");
        ensure!(tick["hops"][1]["loss_percent"] == 100.0, "{tick:#}");
        ensure_words(
            &tick,
            "ok",
            &["hop 2 does not answer probes: that is not loss"],
        )?;
        ensure_no_loss(&tick)?;
    }
    chain.limit_answers(2, 0)?;
    // Six at once, and then one in a second.
    chain.limit_answers(3, 1_000)?;
    let (_, tick) = outcome(&chain, chain.far(), &["-c", "15"])?;
    ensure_words(
        &tick,
        "ok",
        &["hop 3 answers only some probes: that is not loss"],
    )?;
    ensure_no_loss(&tick)
}

#[test]
fn loss_is_named_with_the_link_that_loses() -> Result<()> {
    let chain = Chain::new(&[Link::Cable, Link::Cable, one_in_19(), Link::Cable])?;
    let args = ["-c", "60", "--fail-if", "loss>1,avg>10s"];
    for (status, tick) in both(&chain, &args)? {
        ensure!(status == Some(5), "{status:?}: {tick:#}");
        let place = ["packets are lost: it begins between hop 2 (", "and hop 3 ("];
        ensure_words(&tick, "warn", &place)?;
        let destination = &tick["destination"];
        let lost = integer(destination, "sent")? - integer(destination, "received")?;
        ensure!(lost == 60 / 19, "{lost} of 60 lost");
        ensure!(tick["hops"][1]["loss_percent"] == 0.0, "{tick:#}");
    }
    Ok(())
}

#[test]
fn a_slow_link_is_named_and_only_it() -> Result<()> {
    let slow = Impairment {
        delay: Duration::from_millis(40),
        ..Impairment::default()
    };
    let chain = Chain::new(&[Link::Cable, Link::Impaired(slow), Link::Cable, Link::Cable])?;
    for (_, tick) in both(&chain, &["-c", "15"])? {
        let ok = findings(&tick, "ok");
        let warn = findings(&tick, "warn");
        let all = [ok, warn].concat();
        let step = all
            .iter()
            .find(|text| text.contains("are added between hop 1"));
        let step = step.with_context(|| format!("{tick:#}"))?;
        ensure!(
            step.contains("and hop 2") && step.contains("long or slow link"),
            "{step}"
        );
        let median = integer(&tick["destination"], "p50_us")?;
        ensure!((80_000..400_000).contains(&median), "{median} µs");
    }
    Ok(())
}

#[test]
fn an_unreachable_host_is_exit_status_5_with_the_reason() -> Result<()> {
    let chain = Chain::new(&CABLES)?;
    chain.drop_route_to_far(2)?;
    let (status, tick) = outcome(&chain, chain.far(), &["-c", "2"])?;
    ensure!(status == Some(5), "{status:?}");
    ensure_words(
        &tick,
        "critical",
        &[
            "is not reached: hop 2 (10.90.1.2) says that",
            "of 2 probes (ICMP echo)",
        ],
    )?;
    let nowhere = path(&chain, &["203.0.113.1", "--report", "-c", "1"])?;
    let output = run_as(&mut { nowhere })?;
    ensure!(output.status.code() == Some(5), "{output:?}");
    let message = text(&output.stderr)?;
    ensure!(
        message.contains("203.0.113.1 is not reached: this machine does not send"),
        "{message}"
    );
    let broadcast = path(&chain, &["10.90.0.255", "--report", "-c", "1"])?;
    let output = run_as(&mut { broadcast })?;
    ensure!(output.status.code() == Some(5), "{output:?}");
    let message = text(&output.stderr)?;
    ensure!(message.contains("broadcast address"), "{message}");
    Ok(())
}

#[test]
fn a_destination_that_answers_no_echo_is_found_by_other_probes() -> Result<()> {
    let chain = Chain::new(&[Link::Cable; 2])?;
    chain.ignore_echo()?;
    let (status, tick) = outcome(&chain, chain.far(), &["-c", "2"])?;
    ensure!(status == Some(5), "{status:?}");
    ensure_words(
        &tick,
        "critical",
        &["is not reached: nothing behind hop 1 (10.90.0.2) answers"],
    )?;
    let (status, tick) = outcome(&chain, chain.far(), &["-c", "2", "--tcp", "9"])?;
    ensure!(status == Some(0), "{status:?}");
    ensure_words(&tick, "warn", &["the way is open", "port 9"])
}

#[test]
fn the_path_mtu_is_found_with_and_without_icmp_errors() -> Result<()> {
    let hole = Impairment {
        max_packet: Some(1_333),
        ..Impairment::default()
    };
    let chain = Chain::new(&[Link::Cable, Link::Cable, Link::Impaired(hole)])?;
    let args = ["-c", "2", "--mtu", "--fail-if", "mtu<1333"];
    let below = ["-c", "2", "--mtu", "--fail-if", "mtu<1400"];
    for (status, tick) in both(&chain, &below)? {
        ensure!(status == Some(5), "{status:?}: {tick:#}");
        let mtu = &tick["mtu"];
        ensure!(mtu["passes"] == 1_333 && mtu["lost_at"] == 3, "{tick:#}");
        ensure!(
            mtu["black_hole"] == true && mtu["link"] == 1_500,
            "{tick:#}"
        );
        let vanish =
            "black hole: packets of more than 1333 bytes vanish on the link in front of hop 3";
        ensure_words(&tick, "critical", &[vanish])?;
    }
    chain.set_mtu(1, 1_300)?;
    for (status, tick) in both(&chain, &args)? {
        ensure!(status == Some(5), "{status:?}: {tick:#}");
        let mtu = &tick["mtu"];
        ensure!(
            mtu["passes"] == 1_300 && mtu["black_hole"] == false,
            "{tick:#}"
        );
        ensure!(mtu["link"] == 1_500 && mtu["told"] == 1_300, "{tick:#}");
        ensure_no_loss(&tick)?;
    }
    Ok(())
}
