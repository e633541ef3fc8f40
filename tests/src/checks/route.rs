//! `path` over a chain of routers, and its findings.

use std::net::IpAddr;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::net::chain::{Chain, Link};
use crate::tracer::binary;
use crate::tracer::command::run_as;
use crate::tracer::ndjson;

/// Quick cycles, with a timeout that suits a busy machine.
pub const QUICK: [&str; 4] = ["-i", "0.1", "--timeout", "2"];

/// `netperf-trace path ARGS` at the near host.
///
/// # Errors
/// When the program is not built.
pub fn path(chain: &Chain, args: &[&str]) -> Result<Command> {
    let binary = binary()?;
    let mut command = chain.near("timeout");
    command.arg("40").arg(binary).arg("path").args(args);
    Ok(command)
}

/// Its exit status and its last tick.
///
/// # Errors
/// When the session is incomplete.
pub fn outcome(chain: &Chain, to: IpAddr, args: &[&str]) -> Result<(Option<i32>, Value)> {
    let to = to.to_string();
    let all = [&[to.as_str(), "--json"], &QUICK[..], args].concat();
    let output = run_as(&mut path(chain, &all)?)?;
    let lines = ndjson::lines(&output.stdout)?;
    ensure!(
        lines.first().is_some_and(|line| line["type"] == "start"),
        "no start: {lines:?}"
    );
    ensure!(
        lines.last().is_some_and(|line| line["type"] == "end"),
        "no end: {lines:?}"
    );
    let last = lines.iter().rfind(|line| line["type"] == "path");
    let last = last.with_context(|| format!("no path: {output:?}"))?;
    Ok((output.status.code(), last.clone()))
}

/// The same to the far host over IPv4 and IPv6 at once.
///
/// # Errors
/// Those of [`outcome`].
pub fn both(chain: &Chain, args: &[&str]) -> Result<[(Option<i32>, Value); 2]> {
    let of = |to| outcome(chain, to, args);
    let [v4, v6] = thread::scope(|scope| {
        let v6 = scope.spawn(|| of(chain.far_v6()));
        let v4 = of(chain.far());
        [v4, v6.join().unwrap_or_else(|_| bail!("a thread panicked"))]
    });
    Ok([v4?, v6?])
}

/// The findings of a level, with their evidence.
pub fn findings(tick: &Value, level: &str) -> Vec<String> {
    let all = tick["findings"].as_array().into_iter().flatten();
    let of_level = all.filter(|finding| finding["level"] == level);
    of_level
        .map(|it| format!("{}; {}", it["what"], it["evidence"]))
        .collect()
}

/// Fails unless a finding of this level has all these words.
///
/// # Errors
/// When there is none.
pub fn ensure_words(tick: &Value, level: &str, words: &[&str]) -> Result<()> {
    let all = findings(tick, level);
    let fits = |text: &String| words.iter().all(|word| text.contains(word));
    ensure!(all.iter().any(fits), "{level} {words:?}: {tick:#}");
    Ok(())
}

/// Fails if a finding reports loss. Findings of delay may come from a busy machine.
///
/// # Errors
/// These findings.
pub fn ensure_no_loss(tick: &Value) -> Result<()> {
    let worse = [findings(tick, "warn"), findings(tick, "critical")].concat();
    let is_loss = |text: &&String| !text.contains("jitter") && !text.contains("are added");
    let losses: Vec<_> = worse.iter().filter(is_loss).collect();
    ensure!(losses.is_empty(), "{losses:?}");
    Ok(())
}

/// The first host of each hop, `-` if there is none.
pub fn hosts(tick: &Value) -> Vec<String> {
    let hops = tick["hops"].as_array().into_iter().flatten();
    let first = hops.map(|hop| {
        hop["hosts"][0]["address"]
            .as_str()
            .unwrap_or("-")
            .to_owned()
    });
    first.collect()
}

/// The links of a chain with three routers.
pub const CABLES: [Link; 4] = [Link::Cable; 4];
