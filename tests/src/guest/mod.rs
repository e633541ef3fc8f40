//! Does the tracer count every byte on the kernel of this virtual machine? Only PID 1 asks.
//!
//! For each hook set: start the tracer, let the mover play the paths, and hold what was seen
//! against what was moved. Every result is one line of JSON on the console, which
//! `cargo xtask vm-test` reads.

mod known;
mod machine;
mod report;
mod round;
mod tracer;

use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use self::machine::Kernel;
use self::report::Report;
use crate::paths::{self, Path};

/// The sets, as in `--hooks`.
const SETS: [&str; 3] = ["tracepoint", "fentry", "kprobe"];

/// The path that stands for all where there is no time.
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
        report.broken(&format!("{error:#}"));
    }
    let passed = report.close(machine::taint());
    machine::switch_off(passed)
}

fn examine(args: &[String], report: &mut Report) -> Result<()> {
    let kernel = machine::kernel()?;
    let paths = selected(args)?;
    report.begin(&kernel);
    for set in SETS {
        examine_set(set, &paths, kernel, report);
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

/// Plays every path while one tracer runs; a path that wants the tracer to start in its middle
/// gets one of its own.
fn examine_set(set: &'static str, paths: &[&'static Path], kernel: Kernel, report: &mut Report) {
    let (gated, open): (Vec<_>, Vec<_>) = paths.iter().copied().partition(|path| path.gated);
    let played = round::together(set, &open);
    let outcome = match known::loads(set, kernel) {
        true => played.map(|played| report.round(set, &played, kernel)),
        false => refused(&played.map(drop)).map(|()| report.absent(set, "as this kernel should")),
    };
    let loads = outcome.is_ok() && known::loads(set, kernel);
    if let Err(error) = outcome {
        report.failed(set, "attach", &format!("{error:#}"));
    }
    for path in gated.iter().filter(|_| loads) {
        match round::in_the_middle(set, path) {
            Ok(played) => report.round(set, &played, kernel),
            Err(error) => report.failed(set, path.name, &format!("{error:#}")),
        }
    }
}

/// A set that a kernel lacks must be refused for that reason and no other.
fn refused(outcome: &Result<()>) -> Result<()> {
    let Err(error) = outcome else {
        bail!("it attached, but this kernel was known not to have it");
    };
    let refusal = error.downcast_ref::<tracer::Refused>();
    let status = refusal.context("it failed in another way")?.status;
    ensure!(status == Some(4), "it ended with {status:?}: {error:#}");
    Ok(())
}

/// Left to itself, the tracer takes the first set that this kernel has.
fn examine_choice(kernel: Kernel, report: &mut Report) {
    let chosen = tracer::Tracer::start("auto").and_then(|tracer| {
        let chosen = tracer.start_line().to_string();
        tracer.stop()?;
        Ok(chosen)
    });
    let wanted = known::choice(kernel);
    match chosen {
        Ok(chosen) if chosen.contains(wanted) => report.passed("auto", "attach"),
        Ok(chosen) => report.failed("auto", "attach", &format!("no `{wanted}` in {chosen}")),
        Err(error) => report.failed("auto", "attach", &format!("{error:#}")),
    }
}
