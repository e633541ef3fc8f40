//! `doctor` on this kernel: every failed connection has its error, with each hook set.

use anyhow::Result;

use super::at_once;
use super::report::Report;
use crate::checks::failed_connects::{check, doctor, run};
use crate::net::netns::in_fresh_netns;

/// Runs once while a `doctor` measures for each set.
pub(super) fn examine(sets: &'static [&str], report: &mut Report) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let ran = in_fresh_netns(move || Ok(sender.send(watch(sets)?)?));
    match ran.and_then(|()| Ok(receiver.recv()?)) {
        Ok(outcomes) => {
            for (set, outcome) in sets.iter().zip(outcomes) {
                match outcome {
                    Ok(()) => report.passed(set, "failed connects", "each has its error"),
                    Err(error) => report.failed(set, "failed connects", &format!("{error:#}")),
                }
            }
        }
        Err(error) => report.failed("-", "failed connects", &format!("{error:#}")),
    }
}

fn watch(sets: &[&str]) -> Result<Vec<Result<()>>> {
    // One starts after the other: the kernel verifies more programs for each than for any other command.
    let doctors: Vec<_> = sets.iter().map(|set| doctor(set)).collect::<Result<_>>()?;
    run()?;
    at_once(doctors, |doctor| Ok(check(doctor).map(|_| ())))
}
