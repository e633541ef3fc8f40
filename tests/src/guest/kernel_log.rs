//! `-vv` on this kernel: programs that log load with each hook set, and say which connection has no owner.

use anyhow::{Context, Result, ensure};

use super::at_once;
use super::report::Report;
use crate::load::lossy::NO_OWNER;
use crate::load::mover::Mover;
use crate::tracer::{Session, Tracer};

/// Commands that between them load every program.
const COMMANDS: [&[&str]; 3] = [
    &["retrans", "--json"],
    &["states", "--watch", "--json"],
    &["latency", "--json"],
];

/// Traces a connection without an owner with each set and each command.
pub(super) fn examine(sets: &[&str], report: &mut Report) {
    for command in COMMANDS {
        let test = format!("{} -vv", command.join(" "));
        match trace(sets, command) {
            Ok(sessions) => {
                for (set, session) in sets.iter().zip(&sessions) {
                    // Without `retrans`, such a connection has no owner.
                    if command == COMMANDS[0] && !session.log.contains(NO_OWNER) {
                        report.failed(set, &test, &session.log);
                    } else {
                        report.passed(set, &test, "it loads");
                    }
                }
            }
            Err(error) => report.failed("-", &test, &format!("{error:#}")),
        }
    }
}

fn trace(sets: &[&str], command: &[&str]) -> Result<Vec<Session>> {
    let mut mover = Mover::start(["lossy", "ownerless"])?;
    let line = mover.next_line()?.context("the mover ended")?;
    ensure!(line.contains("\"ready\""), "it is not ready: {line}");
    let tracers = at_once(sets, |set| {
        let mut args = command.to_vec();
        args.extend(["-vv", "--hooks", set]);
        Tracer::start(&args).with_context(|| (*set).to_owned())
    })?;
    mover.resume()?;
    mover.next_line()?.context("the mover failed")?;
    at_once(tracers, Tracer::stop)
}
