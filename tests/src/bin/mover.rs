//! Moves known bytes over known paths: `mover list`, `mover run PATH...`, `mover check [PATH...]`.
//!
//! `run` prints one JSON line a path with what each process moved; a gated path prints
//! `{"type":"ready"}` first and goes on when a line comes on stdin. `check` runs paths without a tracer
//! and compares the two ends of each. `steady` and `churn` are loads without a
//! given end (see `netperf_tests::load::steady`) and with one (`netperf_tests::load::churn`); `lossy` loses something
//! on purpose (`netperf_tests::load::lossy`); `stream` sends as fast as it may (`netperf_tests::load::stream`), and `way` is what
//! lies between (`netperf_tests::net::relay`).

use std::ffi::{CString, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use netperf_tests::load::result::PathResult;
use netperf_tests::load::workload::Gate;
use netperf_tests::load::{churn, lossy, program, steady, stream};
use netperf_tests::net::relay;
use netperf_tests::paths::{self, Absent, Path};
use netperf_tests::sys::deadline::Deadline;

fn main() -> ExitCode {
    match run_verb() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "mover: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_verb() -> Result<()> {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    // A test may pass any bytes; only the name of processes needs them as they are.
    let comm = args
        .get(1)
        .map(|name| CString::new(name.as_bytes()))
        .transpose()?;
    let mut args = args.iter().map(|arg| arg.to_string_lossy().into_owned());
    let verb = args.next().unwrap_or_default();
    let names: Vec<String> = args.collect();
    match verb.as_str() {
        "send" | "write" | "read" => program::run(&verb, &names),
        "steady" => steady::run(comm.as_ref()),
        "churn" => churn::run(names.first().context("how many seconds?")?.parse()?),
        "lossy" => lossy::run(names.first().context("lost how?")?),
        "stream" => stream::run(&names),
        "way" => relay::run(&names),
        "list" => list(),
        "run" => run(&named(&names)?),
        "check" => check(&named(&names)?),
        _ => {
            bail!(
                "usage: mover list | run PATH... | check [PATH...] | steady [NAME] | churn SECS | lossy KIND | stream ... | way ..."
            )
        }
    }
}

/// The paths and whole topics called `names`; all paths if there are none.
fn named(names: &[String]) -> Result<Vec<&'static Path>> {
    if names.is_empty() {
        return Ok(paths::all().collect());
    }
    let mut found = Vec::new();
    for name in names {
        let topic = paths::TOPICS.iter().find(|topic| topic.name == name);
        match topic {
            Some(topic) => found.extend(topic.paths),
            None => found.push(
                paths::all()
                    .find(|path| path.name == name)
                    .with_context(|| {
                        format!("no path or topic is called `{name}`; see `mover list`")
                    })?,
            ),
        }
    }
    Ok(found)
}

fn list() -> Result<()> {
    let mut out = std::io::stdout().lock();
    for topic in paths::TOPICS {
        for path in topic.paths {
            writeln!(out, "{:10} {}", topic.name, path.name)?;
        }
    }
    Ok(())
}

fn run(paths: &[&Path]) -> Result<()> {
    for path in paths {
        let line = serde_json::to_string(&run_path(path, Gate::Stdio))?;
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(())
}

fn run_path(path: &Path, gate: Gate) -> PathResult {
    match path.run(gate) {
        Ok(rows) => PathResult::Moved {
            path: path.name.to_owned(),
            rows,
        },
        Err(error) => match error.downcast::<Absent>() {
            Ok(absent) => PathResult::Absent {
                path: path.name.to_owned(),
                why: absent.0,
            },
            Err(error) => PathResult::Failed {
                path: path.name.to_owned(),
                why: format!("{error:#}"),
            },
        },
    }
}

fn check(paths: &[&Path]) -> Result<()> {
    let mut failed = 0;
    for path in paths {
        let clock = Deadline::seconds(0);
        let result = run_path(path, Gate::Open);
        let ms = clock.elapsed().as_millis();
        failed += u32::from(matches!(result, PathResult::Failed { .. }));
        writeln!(std::io::stdout(), "{ms:5} ms  {result}")?;
    }
    ensure!(failed == 0, "{failed} of {} paths failed", paths.len());
    Ok(())
}
