//! `path` on this kernel: it finds the link that loses packets, and the slow one.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::report::Report;
use crate::checks::route::{CABLES, ensure_words, outcome};
use crate::net::chain::Chain;

/// Name, qdisc of the middle link, cycles, and the expected finding.
///
/// With so many probes to each hop, the loss of the hops behind the link is similar enough to find it. With half as
/// many and a third of the loss, chance moves the result in one of 50 runs.
const LINKS: [(&str, &str, &str, Judge); 2] = [
    ("netem loss", "loss 30%", "160", loses),
    ("netem delay", "delay 300ms", "20", delays),
];

/// Checks the findings of a tick.
type Judge = fn(&Value) -> Result<String>;

/// Probes a chain of three routers.
pub(super) fn examine(report: &mut Report) {
    for (name, queue, cycles, judge) in LINKS {
        let test = format!("path over {name}");
        match probed(queue, cycles, judge) {
            Ok(summary) => report.passed("-", &test, &summary),
            Err(error) => report.failed("-", &test, &format!("{error:#}")),
        }
    }
}

fn probed(queue: &str, cycles: &str, judge: Judge) -> Result<String> {
    let chain = Chain::new(&CABLES)?;
    chain.add_qdisc(2, &format!("netem {queue}"))?;
    let (_, tick) = outcome(&chain, chain.far(), &["-c", cycles])?;
    judge(&tick).with_context(|| format!("{tick}"))
}

fn loses(tick: &Value) -> Result<String> {
    let place = ["packets are lost: it begins between hop 2 (", "and hop 3 ("];
    ensure_words(tick, "warn", &place).or_else(|_| ensure_words(tick, "critical", &place))?;
    let destination = &tick["destination"];
    ensure!(tick["hops"][1]["loss_percent"] == 0.0, "the link before");
    Ok(format!("{} % lost of 30 %", destination["loss_percent"]))
}

fn delays(tick: &Value) -> Result<String> {
    let place = ["are added between hop 2 (", "and hop 3 ("];
    ensure_words(tick, "ok", &place).or_else(|_| ensure_words(tick, "warn", &place))?;
    let median = tick["destination"]["p50_us"].as_u64().context("no time")?;
    ensure!((300_000..900_000).contains(&median), "{median} µs");
    Ok(format!("{median} µs over a link of 300 ms"))
}
