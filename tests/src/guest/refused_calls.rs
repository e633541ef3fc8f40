//! `states` on this kernel: every refused call is reported, with each hook set.

use anyhow::Result;

use super::at_once;
use super::report::Report;
use crate::checks::refused_calls::{await_two_ticks, check, run};
use crate::net::netns::in_fresh_netns;
use crate::tracer::{Session, Tracer};

/// Runs once while a tracer runs for each set.
pub(super) fn examine(sets: &'static [&str], report: &mut Report) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let ran = in_fresh_netns(move || Ok(sender.send(watch(sets)?)?));
    match ran.and_then(|()| Ok(receiver.recv()?)) {
        Ok(sessions) => {
            for (set, session) in sets.iter().zip(sessions) {
                // Tracepoints of system calls do not see the calls of `io_uring`.
                match check(&session, *set != "tracepoint") {
                    Ok(()) => report.passed(set, "refused calls", "each is reported"),
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
    let _full = run(true)?;
    for tracer in &mut tracers {
        await_two_ticks(tracer)?;
    }
    at_once(tracers, Tracer::stop)
}
