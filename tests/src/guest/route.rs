//! Does `path` find which link of a way loses packets, and which is slow, where the kernel makes it so?

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::report::Report;
use crate::checks::route::{CABLES, outcome, says};
use crate::net::chain::Chain;

/// What the middle link does, in so many cycles, and which finding it makes.
///
/// Of so many probes to each hop, those behind the link that loses lose so alike that the link can be told:
/// with half as many and a third of the loss, chance moves it in one of 50 runs.
const LINKS: [(&str, &str, &str, Judge); 2] = [
    ("netem loss", "loss 30%", "160", loses),
    ("netem delay", "delay 300ms", "20", delays),
];

/// What must be said of a way.
type Judge = fn(&Value) -> Result<String>;

/// Probes a way over three routers.
pub(super) fn examine(report: &mut Report) {
    for (name, queue, cycles, judge) in LINKS {
        let test = format!("path over {name}");
        match probed(queue, cycles, judge) {
            Ok(told) => report.passed("-", &test, &told),
            Err(error) => report.failed("-", &test, &format!("{error:#}")),
        }
    }
}

fn probed(queue: &str, cycles: &str, judge: Judge) -> Result<String> {
    let chain = Chain::new(&CABLES)?;
    chain.shape(2, &format!("netem {queue}"))?;
    let (_, tick) = outcome(&chain, chain.far(), &["-c", cycles])?;
    judge(&tick).with_context(|| format!("{tick}"))
}

fn loses(tick: &Value) -> Result<String> {
    let place = ["packets are lost: it begins between hop 2 (", "and hop 3 ("];
    says(tick, "warn", &place).or_else(|_| says(tick, "critical", &place))?;
    let destination = &tick["destination"];
    ensure!(tick["hops"][1]["loss_percent"] == 0.0, "the link before");
    Ok(format!("{} % lost of 30 %", destination["loss_percent"]))
}

fn delays(tick: &Value) -> Result<String> {
    let place = ["are added between hop 2 (", "and hop 3 ("];
    says(tick, "ok", &place).or_else(|_| says(tick, "warn", &place))?;
    let median = tick["destination"]["p50_us"].as_u64().context("no time")?;
    ensure!((300_000..900_000).contains(&median), "{median} µs");
    Ok(format!("{median} µs over a link of 300 ms"))
}
