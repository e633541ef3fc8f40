//! `path` with routers that balance load: one flow stays on one path.

use std::collections::HashSet;
use std::net::IpAddr;
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use netperf_tests::checks::route::{both, ensure_words, outcome, path};
use netperf_tests::net::chain::{Chain, Link};
use netperf_tests::net::relay::{Impairment, second_address};
use netperf_tests::tracer::command::{run_as, text};
use serde_json::Value;

/// All addresses of the second hop, with how often each answered.
fn second_hop(tick: &Value) -> Result<Vec<(String, u64)>> {
    let hosts = tick["hops"][1]["hosts"].as_array().context("no hosts")?;
    let each = hosts.iter().map(|host| {
        let address = host["address"].as_str().context("no address")?;
        Ok((
            address.to_owned(),
            host["received"].as_u64().context("no number")?,
        ))
    });
    each.collect()
}

#[test]
fn a_run_sees_one_of_two_routers_that_share_the_load_by_flow() -> Result<()> {
    let mut chain = Chain::new(&[Link::Cable; 3])?;
    let twins = chain.add_twin_of_second()?;
    for (to, twin) in [chain.far(), chain.far_v6()].into_iter().zip(twins) {
        // Each run is another flow: that all take the same router is odd.
        let of = &|run: u16| -> Result<String> {
            let port = 40_000 + run;
            let method = if run.is_multiple_of(2) {
                format!("--udp={port}")
            } else {
                format!("--tcp={port}")
            };
            let (_, tick) = outcome(&chain, to, &["-c", "5", &method])?;
            let hosts = second_hop(&tick)?;
            ensure!(hosts.len() == 1 && hosts[0].1 == 5, "{method}: {tick:#}");
            Ok(hosts[0].0.clone())
        };
        let ways: HashSet<String> = thread::scope(|scope| {
            let runs: Vec<_> = (0..14).map(|run| scope.spawn(move || of(run))).collect();
            let ended = runs.into_iter().map(|run| match run.join() {
                Ok(way) => way,
                Err(_) => bail!("a thread panicked"),
            });
            ended.collect::<Result<_>>()
        })?;
        ensure!(
            ways.len() == 2 && ways.contains(&twin.to_string()),
            "{ways:?}"
        );
    }
    // An echo has no ports: all runs go one way, whichever it is.
    for (_, tick) in both(&chain, &["-c", "5"])? {
        ensure!(second_hop(&tick)?.len() == 1, "{tick:#}");
    }
    Ok(())
}

/// The second router answers with two addresses in turn.
fn two_faces() -> Result<Chain> {
    let way = Impairment {
        alternates_source: true,
        ..Impairment::default()
    };
    Chain::new(&[Link::Cable, Link::Impaired(way), Link::Cable])
}

#[test]
fn a_hop_that_answers_from_two_addresses_shows_both() -> Result<()> {
    let chain = two_faces()?;
    for (tick, router) in both(&chain, &["-c", "6"])?
        .into_iter()
        .zip([chain.router(2), chain.router_v6(2)])
    {
        let (status, tick) = tick;
        ensure!(status == Some(0), "{status:?}: {tick:#}");
        let both: HashSet<(String, u64)> = second_hop(&tick)?.into_iter().collect();
        let expected = [router, second_address(router)].map(|it: IpAddr| (it.to_string(), 3));
        ensure!(both == HashSet::from(expected), "{tick:#}");
        let hop = &tick["hops"][1];
        ensure!(
            hop["sent"] == 6 && hop["received"] == 6 && hop["loss_percent"] == 0.0,
            "{hop:#}"
        );
        ensure!(
            tick["hops"][0]["hosts"]
                .as_array()
                .is_some_and(|it| it.len() == 1),
            "{tick:#}"
        );
        ensure_words(
            &tick,
            "ok",
            &["several routers answer at hop 2", &router.to_string()],
        )?;
    }
    Ok(())
}

#[test]
fn a_report_lists_every_address_of_a_hop_with_its_share() -> Result<()> {
    let chain = two_faces()?;
    let far = chain.far().to_string();
    let output = run_as(&mut path(
        &chain,
        &[&far, "--report", "-c", "6", "-i", "0.1"],
    )?)?;
    ensure!(output.status.success(), "{output:?}");
    let report = text(&output.stdout)?;
    let router = chain.router(2);
    for address in [router, second_address(router)] {
        let words = format!("{address} 3x");
        ensure!(report.contains(&words), "{words}: {report}");
    }
    Ok(())
}
