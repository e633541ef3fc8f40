//! Does `doctor` tell with which error connections fail on this kernel, with each hook set?

use anyhow::Result;

use super::at_once;
use super::report::Report;
use crate::checks::failed_connects::{check, doctor, play};
use crate::net::netns::in_fresh_netns;

/// Plays once while a doctor looks on for each set.
pub(super) fn examine(sets: &'static [&str], report: &mut Report) {
    let (sender, told) = std::sync::mpsc::channel();
    let played = in_fresh_netns(move || Ok(sender.send(watch(sets)?)?));
    match played.and_then(|()| Ok(told.recv()?)) {
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
    // One starts after the other: the kernel checks more programs for each than for any other command.
    let doctors: Vec<_> = sets.iter().map(|set| doctor(set)).collect::<Result<_>>()?;
    play()?;
    at_once(doctors, |doctor| Ok(check(doctor).map(|_| ())))
}
