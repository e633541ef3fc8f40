//! Does `dns --watch` tell every query on this kernel? It has one set of hooks, whatever `--hooks` says.

use std::sync::mpsc::channel;

use anyhow::{Result, ensure};

use super::no_btf;
use super::report::Report;
use crate::checks::lookups::{check, one_of_each};
use crate::net::netns::in_fresh_netns;

/// Where its hooks are, as other tests name their set.
const SET: &str = "cgroup";

/// Asks once, of each kind, and once where it can't be told.
pub(super) fn examine(report: &mut Report) {
    match watched() {
        Ok(told) => report.passed(SET, "dns", &told),
        Err(error) => report.failed(SET, "dns", &format!("{error:#}")),
    }
    match refusal() {
        Ok(why) => report.passed(super::PLAIN, "dns", &why),
        Err(error) => report.failed(super::PLAIN, "dns", &format!("{error:#}")),
    }
}

fn watched() -> Result<String> {
    let (sender, told) = channel();
    in_fresh_netns(move || {
        let said = one_of_each()?;
        check(&said)?;
        let late = said.one("late.watch")?["took_us"].to_string();
        Ok(sender.send(format!("each query is told; one of 200 ms took {late} µs"))?)
    })?;
    Ok(told.recv()?)
}

/// Where it can't be known who asks, it says so.
fn refusal() -> Result<String> {
    match no_btf::trace(&["dns", "--watch", "--json"]) {
        Ok(_) => anyhow::bail!("it watches, though nothing tells where a process has its name"),
        Err(error) => {
            let error = format!("{error:#}");
            ensure!(error.contains("exit status: 4"), "{error}");
            ensure!(error.contains("type information"), "{error}");
            Ok(error)
        }
    }
}
