//! PID 1 of a virtual machine: tests the tracer on its kernel.
//!
//! For each hook set: start the tracer, let the mover run the paths, and compare what was counted with
//! what was moved. Every result is one line of JSON on the console, which
//! `cargo xtask vm-test` reads. The image is laid out as a target directory, so that the harness
//! finds the programs.

mod cost;
mod dns;
mod failed_connects;
mod kernel_log;
mod known;
mod limit;
mod lossy;
mod machine;
mod no_btf;
mod refused_calls;
mod report;
mod route;

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use self::machine::Kernel;
use self::report::Report;
use crate::checks::latencies::Timing;
use crate::checks::lifecycle;
use crate::load::mover::{self, Mover};
use crate::load::result::PathResult;
use crate::paths::{self, Path};
use crate::tracer::{Session, Tracer};

/// The sets, as in `--hooks`.
const SETS: [&str; 3] = ["tracepoint", "fentry", "kprobe"];

/// The set for kernels without type information.
const NO_BTF: &str = "no-btf";

/// First of the ports for `states --watch`, one for each set.
const FIRST_PORT: u16 = 4_300;

/// The paths of a smoke test.
const SMOKE: [&str; 2] = ["tcp_write", "udp_send"];

/// Runs one topic on this kernel.
type Examine = fn(Kernel, &mut Report);

/// Topics beside paths, which `--only` can select.
const TOPICS: [(&str, Examine); 5] = [
    ("failing", |_, report| {
        failed_connects::examine(&SETS, report);
    }),
    ("dns", |_, report| dns::examine(report)),
    ("way", |_, report| route::examine(report)),
    ("limit", limit::examine),
    ("log", |kernel, report| {
        let loading = SETS.iter().filter(|set| known::loads(set, kernel));
        kernel_log::examine(&loading.copied().collect::<Vec<_>>(), report);
    }),
];

/// Prepares the machine, runs the tests, and switches it off.
///
/// # Errors
/// When this process is not PID 1.
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
    let (loading, refused): (Vec<&str>, Vec<&str>) =
        SETS.iter().partition(|set| known::loads(set, kernel));
    if args == ["--cost"] {
        return cost::measure(&loading, kernel);
    }
    if let [only, name] = args
        && only == "--only"
        && let Some((_, topic)) = TOPICS.iter().find(|(topic, _)| topic == name)
    {
        topic(kernel, report);
        return Ok(());
    }
    let paths = selected(args)?;
    if args == ["--smoke"] {
        // Tracers do not disturb each other: one run is enough for all sets. `auto` chooses the first one.
        let hooks = std::iter::once("auto").chain(loading[1..].iter().copied());
        let mut watches: Vec<_> = loading.iter().copied().zip(hooks).collect();
        watches.push((NO_BTF, NO_BTF));
        let sessions = examine_round(&watches, &paths, kernel, report);
        if let Some(first) = sessions.first() {
            examine_choice(first, kernel, report);
        }
        return Ok(());
    }
    for set in refused {
        examine_refusal(set, report);
    }
    for &set in loading.iter().chain(&[NO_BTF]) {
        examine_round(&[(set, set)], &paths, kernel, report);
    }
    lossy::examine(&loading, kernel, report);
    examine_latencies(&loading, report);
    refused_calls::examine(&SETS, report);
    for (_, topic) in TOPICS {
        topic(kernel, report);
    }
    examine_lifecycle(&loading, report);
    match no_btf::check_addresses() {
        Ok(ends) => report.passed(NO_BTF, "addresses", &ends),
        Err(error) => report.failed(NO_BTF, "addresses", &format!("{error:#}")),
    }
    examine_choice(&trace("auto")?.stop()?, kernel, report);
    Ok(())
}

/// `--smoke`, or `--only` with the name of a path or of a topic of [`paths`]; all paths without either.
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

/// A hook set, and the value of `--hooks` for it, or [`NO_BTF`].
type Watch<'a> = (&'a str, &'a str);

/// Runs the paths once for all watches.
fn examine_round(
    watches: &[Watch<'_>],
    paths: &[&'static Path],
    kernel: Kernel,
    report: &mut Report,
) -> Vec<Session> {
    let mut supported = Vec::new();
    for &path in paths {
        match known::unsupported(path.name, kernel) {
            Some(why) => {
                for (set, _) in watches {
                    report.skipped(set, path.name, why);
                }
            }
            None => supported.push(path),
        }
    }
    let sets = watches.iter().map(|(set, _)| *set);
    let (sessions, results) = match trace_paths(watches, &supported) {
        Ok(round) => round,
        Err(error) => {
            let sets: Vec<_> = sets.collect();
            report.failed(&sets.join("+"), "round", &format!("{error:#}"));
            return Vec::new();
        }
    };
    for (set, session) in sets.zip(&sessions) {
        if let Err(error) = report.round(set, session, &results, kernel) {
            report.failed(set, "round", &format!("{error:#}"));
        }
    }
    sessions
}

/// Runs paths while tracers run; paths with a gate are set up before the tracers start.
fn trace_paths(watches: &[Watch<'_>], paths: &[&Path]) -> Result<(Vec<Session>, Vec<PathResult>)> {
    let (gated, open): (Vec<&Path>, Vec<&Path>) = paths.iter().partition(|path| path.gated);
    let mut results = Vec::new();
    let mut waiting = Vec::new();
    for path in gated {
        let mut mover = Mover::start(["run", path.name])?;
        let line = mover.next_line()?.context("the mover ended")?;
        if line.contains("\"ready\"") {
            waiting.push(mover);
        } else {
            results.push(serde_json::from_str(&line)?);
        }
    }
    let tracers = at_once(watches, |(set, hooks)| {
        trace(hooks).with_context(|| (*set).to_owned())
    })?;
    results.extend(mover::run_paths(waiting, &open)?);
    Ok((at_once(tracers, Tracer::stop)?, results))
}

/// Runs `act` for each at the same time: an emulated processor is slow.
fn at_once<T: Send, R: Send>(
    each: impl IntoIterator<Item = T>,
    act: impl Fn(T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let act = &act;
    thread::scope(|scope| {
        let running: Vec<_> = each
            .into_iter()
            .map(|one| scope.spawn(move || act(one)))
            .collect();
        let ended = running.into_iter().map(|one| match one.join() {
            Ok(outcome) => outcome,
            Err(_) => bail!("a thread of the test panicked"),
        });
        ended.collect()
    })
}

fn trace(hooks: &str) -> Result<Tracer> {
    match hooks {
        NO_BTF => no_btf::trace(&["top", "--json"]),
        hooks => Tracer::start(&["top", "--json", "--hooks", hooks]),
    }
}

/// Every set reports the life of a connection.
fn examine_lifecycle(sets: &[&str], report: &mut Report) {
    for (set, port) in sets.iter().zip(FIRST_PORT..) {
        let watch = Tracer::start(&["states", "--watch", "--json", "--hooks", set]);
        match watch.and_then(|tracer| lifecycle::check(tracer, port)) {
            Ok(session) => report.passed(set, "watch", &session.start["hooks"].to_string()),
            Err(error) => report.failed(set, "watch", &format!("{error:#}")),
        }
    }
}

/// Every set reports the delay of a link. On an emulated processor a handshake takes milliseconds more, tens of
/// them if another machine runs at the same time: the round trip is a little above the lower edge of a wide bucket
/// (524 to 590 ms).
fn examine_latencies(sets: &[&str], report: &mut Report) {
    const TIMING: Timing = Timing {
        delay: Duration::from_millis(264),
        accept: Duration::from_millis(528),
    };
    let trace = || -> Result<Vec<Session>> {
        let tracers = at_once(sets, |set| {
            Tracer::start(&["latency", "--json", "--hooks", set])
        })?;
        TIMING.run()?;
        at_once(tracers, Tracer::stop)
    };
    match trace() {
        Ok(sessions) => {
            for (set, session) in sets.iter().zip(sessions) {
                match TIMING.check(&session) {
                    Ok(()) => report.passed(set, "latency", "within a tenth"),
                    Err(error) => report.failed(set, "latency", &format!("{error:#}")),
                }
            }
        }
        Err(error) => report.failed("-", "latency", &format!("{error:#}")),
    }
}

/// A set that a kernel lacks must be refused.
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

/// With `auto`, the tracer chooses the first set that this kernel has.
fn examine_choice(auto: &Session, kernel: Kernel, report: &mut Report) {
    let wanted = known::choice(kernel);
    if auto.start.to_string().contains(wanted) {
        report.passed("auto", "choice", wanted);
    } else {
        report.failed(
            "auto",
            "choice",
            &format!("no `{wanted}` in {}", auto.start),
        );
    }
}
