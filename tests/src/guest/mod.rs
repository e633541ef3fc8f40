//! Does the tracer count every byte on the kernel of this virtual machine? Only PID 1 asks.
//!
//! For each hook set: start the tracer, let the mover play the paths, and hold what was counted
//! against what was moved. Every result is one line of JSON on the console, which
//! `cargo xtask vm-test` reads. The image is laid out as a target directory, so that the harness
//! finds the programs.

mod known;
mod machine;
mod report;

use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use self::machine::Kernel;
use self::report::Report;
use crate::mover::Mover;
use crate::paths::{self, Path};
use crate::played::Played;
use crate::tracer::{Session, Tracer};

/// The sets, as in `--hooks`.
const SETS: [&str; 3] = ["tracepoint", "fentry", "kprobe"];

/// The paths that stand for all where there is no time.
const SMOKE: [&str; 2] = ["tcp_write", "udp_send"];

/// Turns the machine into one that can play, plays, and switches it off.
///
/// # Errors
/// When this is no virtual machine of its own.
pub fn run(args: &[String]) -> Result<ExitCode> {
    ensure!(
        std::process::id() == 1,
        "this program takes a whole machine over: `cargo xtask vm-test` runs it in a virtual one"
    );
    let mut report = Report::default();
    if let Err(error) = machine::prepare().and_then(|()| examine(args, &mut report)) {
        report.failed("-", "guest", &format!("{error:#}"));
    }
    let passed = report.close(machine::taint());
    machine::switch_off(passed)
}

fn examine(args: &[String], report: &mut Report) -> Result<()> {
    let kernel = machine::kernel()?;
    let paths = selected(args)?;
    for set in SETS {
        if known::loads(set, kernel) {
            examine_set(set, &paths, kernel, report);
        } else {
            examine_refusal(set, report);
        }
    }
    examine_choice(kernel, report);
    Ok(())
}

/// `--smoke`, or `--only` with the name of a path or topic; all paths without either.
fn selected(args: &[String]) -> Result<Vec<&'static Path>> {
    let named = |name: &str| -> Vec<_> {
        let topic = paths::TOPICS.iter().find(|topic| topic.name == name);
        match topic {
            Some(topic) => topic.paths.iter().collect(),
            None => paths::all().filter(|path| path.name == name).collect(),
        }
    };
    match args {
        [] => Ok(paths::all().collect()),
        [smoke] if smoke == "--smoke" => Ok(SMOKE.iter().flat_map(|name| named(name)).collect()),
        [only, name] if only == "--only" => {
            let found = named(name);
            ensure!(!found.is_empty(), "no path or topic is called `{name}`");
            Ok(found)
        }
        _ => bail!("unknown arguments {args:?}"),
    }
}

fn examine_set(set: &str, paths: &[&'static Path], kernel: Kernel, report: &mut Report) {
    let mut playable = Vec::new();
    for &path in paths {
        match known::unplayable(path.name, kernel) {
            Some(why) => report.skipped(set, path.name, why),
            None => playable.push(path),
        }
    }
    let round = play(set, &playable);
    match round.and_then(|(session, played)| report.round(set, &session, &played, kernel)) {
        Ok(()) => {}
        Err(error) => report.failed(set, "round", &format!("{error:#}")),
    }
}

/// Plays paths while one tracer runs; those with a gate are set up before it starts.
fn play(set: &str, paths: &[&Path]) -> Result<(Session, Vec<Played>)> {
    let (gated, open): (Vec<&Path>, Vec<&Path>) = paths.iter().partition(|path| path.gated);
    let mut played = Vec::new();
    let mut waiting = Vec::new();
    for path in gated {
        let mut mover = Mover::start(["run", path.name])?;
        let line = mover.next_line()?.context("the mover ended")?;
        if line.contains("\"ready\"") {
            waiting.push(mover);
        } else {
            played.push(serde_json::from_str(&line)?);
        }
    }
    let tracer = trace(set)?;
    for mover in &mut waiting {
        mover.go_on()?;
    }
    for mover in waiting {
        played.extend(mover.finish()?);
    }
    if !open.is_empty() {
        let names = open.iter().map(|path| path.name);
        played.extend(Mover::start(std::iter::once("run").chain(names))?.finish()?);
    }
    Ok((tracer.stop()?, played))
}

fn trace(set: &str) -> Result<Tracer> {
    Tracer::start(&["top", "--json", "--hooks", set])
}

/// A set that a kernel lacks must be refused as such.
fn examine_refusal(set: &str, report: &mut Report) {
    match trace(set) {
        Ok(_) => report.failed(
            set,
            "refused",
            "it attached, though the kernel has no such hook",
        ),
        Err(error) => {
            let error = format!("{error:#}");
            if error.contains("exit status: 4") {
                report.passed(set, "refused", &error);
            } else {
                report.failed(set, "refused", &error);
            }
        }
    }
}

/// Left to itself, the tracer takes the first set that this kernel has.
fn examine_choice(kernel: Kernel, report: &mut Report) {
    let wanted = known::choice(kernel);
    match trace("auto").and_then(Tracer::stop) {
        Ok(session) if session.start.to_string().contains(wanted) => {
            report.passed("auto", "choice", wanted);
        }
        Ok(session) => {
            report.failed(
                "auto",
                "choice",
                &format!("no `{wanted}` in {}", session.start),
            );
        }
        Err(error) => report.failed("auto", "choice", &format!("{error:#}")),
    }
}
