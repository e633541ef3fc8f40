//! `dns --watch` on this kernel: every query is reported. It has one set of hooks, whatever `--hooks` is.

use std::sync::mpsc::channel;

use anyhow::{Result, ensure};

use super::no_btf;
use super::report::Report;
use crate::checks::lookups::{check, one_of_each};
use crate::net::netns::in_fresh_netns;

/// The name of its set in the report.
const SET: &str = "cgroup";

/// Sends one query of each kind, and starts once without type information.
pub(super) fn examine(report: &mut Report) {
    match watched() {
        Ok(summary) => report.passed(SET, "dns", &summary),
        Err(error) => report.failed(SET, "dns", &format!("{error:#}")),
    }
    match refusal() {
        Ok(why) => report.passed(super::NO_BTF, "dns", &why),
        Err(error) => report.failed(super::NO_BTF, "dns", &format!("{error:#}")),
    }
}

fn watched() -> Result<String> {
    let (sender, receiver) = channel();
    in_fresh_netns(move || {
        let log = one_of_each()?;
        check(&log)?;
        let late = log.one("late.watch")?["took_us"].to_string();
        Ok(sender.send(format!(
            "each query is reported; one of 200 ms took {late} µs"
        ))?)
    })?;
    Ok(receiver.recv()?)
}

/// Without type information, it can't know the owner of a query, and exits with that reason.
fn refusal() -> Result<String> {
    match no_btf::trace(&["dns", "--watch", "--json"]) {
        Ok(_) => anyhow::bail!("it starts without type information"),
        Err(error) => {
            let error = format!("{error:#}");
            ensure!(error.contains("exit status: 4"), "{error}");
            ensure!(error.contains("type information"), "{error}");
            Ok(error)
        }
    }
}
