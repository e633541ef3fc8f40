//! Does `states` tell every call that this kernel refuses, with each hook set?

use anyhow::Result;

use super::at_once;
use super::report::Report;
use crate::checks::refused_calls::{await_looks, check, play};
use crate::net::netns::in_fresh_netns;
use crate::tracer::{Session, Tracer};

/// Plays once while a tracer runs for each set.
pub(super) fn examine(sets: &'static [&str], report: &mut Report) {
    let (sender, told) = std::sync::mpsc::channel();
    let played = in_fresh_netns(move || Ok(sender.send(watch(sets)?)?));
    match played.and_then(|()| Ok(told.recv()?)) {
        Ok(sessions) => {
            for (set, session) in sets.iter().zip(sessions) {
                // Tracepoints of system calls see none that a ring makes.
                match check(&session, *set != "tracepoint") {
                    Ok(()) => report.passed(set, "refused calls", "each is told"),
                    Err(error) => report.failed(set, "refused calls", &format!("{error:#}")),
                }
            }
        }
        Err(error) => report.failed("-", "refused calls", &format!("{error:#}")),
    }
}

fn watch(sets: &[&str]) -> Result<Vec<Session>> {
    let mut tracers = at_once(sets, |set| {
        Tracer::start(&["states", "--json", "-d", "1", "--hooks", set])
    })?;
    let _full = play(true)?;
    for tracer in &mut tracers {
        await_looks(tracer)?;
    }
    at_once(tracers, Tracer::stop)
}
