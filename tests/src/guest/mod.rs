//! Does the tracer count every byte on the kernel of this virtual machine? Only PID 1 asks.
//!
//! For each hook set: start the tracer, let the mover play the paths, and hold what was counted
//! against what was moved. Every result is one line of JSON on the console, which
//! `cargo xtask vm-test` reads. The image is laid out as a target directory, so that the harness
//! finds the programs.

mod cost;
mod dns;
mod failed_connects;
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

/// The set that is there for kernels without type information.
const PLAIN: &str = "no-btf";

/// Where connections are opened and closed for `states --watch`, for each set elsewhere.
const FIRST_PORT: u16 = 4_300;

/// The paths that stand for all where there is no time.
const SMOKE: [&str; 2] = ["tcp_write", "udp_send"];

/// Examines something on this kernel.
type Examine = fn(Kernel, &mut Report);

/// What is tested beside paths, and can be by itself.
const TOPICS: [(&str, Examine); 4] = [
    ("failing", |_, report| {
        failed_connects::examine(&SETS, report);
    }),
    ("dns", |_, report| dns::examine(report)),
    ("way", |_, report| route::examine(report)),
    ("limit", limit::examine),
];

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
        // Each counts for itself: one play does for all, and what `auto` takes is the first.
        let hooks = std::iter::once("auto").chain(loading[1..].iter().copied());
        let mut watches: Vec<_> = loading.iter().copied().zip(hooks).collect();
        watches.push((PLAIN, PLAIN));
        let sessions = examine_round(&watches, &paths, kernel, report);
        if let Some(first) = sessions.first() {
            examine_choice(first, kernel, report);
        }
        return Ok(());
    }
    for set in refused {
        examine_refusal(set, report);
    }
    for &set in loading.iter().chain(&[PLAIN]) {
        examine_round(&[(set, set)], &paths, kernel, report);
    }
    lossy::examine(&loading, kernel, report);
    examine_times(&loading, report);
    refused_calls::examine(&SETS, report);
    for (_, topic) in TOPICS {
        topic(kernel, report);
    }
    examine_lives(&loading, report);
    match no_btf::check_addresses() {
        Ok(told) => report.passed(PLAIN, "addresses", &told),
        Err(error) => report.failed(PLAIN, "addresses", &format!("{error:#}")),
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

/// A hook set, and what `--hooks` is told to have it, or [`PLAIN`].
type Watch<'a> = (&'a str, &'a str);

/// Plays the paths once for all watches.
fn examine_round(
    watches: &[Watch<'_>],
    paths: &[&'static Path],
    kernel: Kernel,
    report: &mut Report,
) -> Vec<Session> {
    let mut playable = Vec::new();
    for &path in paths {
        match known::unplayable(path.name, kernel) {
            Some(why) => {
                for (set, _) in watches {
                    report.skipped(set, path.name, why);
                }
            }
            None => playable.push(path),
        }
    }
    let sets = watches.iter().map(|(set, _)| *set);
    let (sessions, played) = match play(watches, &playable) {
        Ok(round) => round,
        Err(error) => {
            let sets: Vec<_> = sets.collect();
            report.failed(&sets.join("+"), "round", &format!("{error:#}"));
            return Vec::new();
        }
    };
    for (set, session) in sets.zip(&sessions) {
        if let Err(error) = report.round(set, session, &played, kernel) {
            report.failed(set, "round", &format!("{error:#}"));
        }
    }
    sessions
}

/// Plays paths while tracers run; those with a gate are set up before they start.
fn play(watches: &[Watch<'_>], paths: &[&Path]) -> Result<(Vec<Session>, Vec<PathResult>)> {
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
    let tracers = at_once(watches, |(set, hooks)| {
        trace(hooks).with_context(|| (*set).to_owned())
    })?;
    played.extend(mover::play(waiting, &open)?);
    Ok((at_once(tracers, Tracer::stop)?, played))
}

/// Does the same to each, side by side: on an emulated processor, everything takes its time.
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
        PLAIN => no_btf::trace(&["top", "--json"]),
        hooks => Tracer::start(&["top", "--json", "--hooks", hooks]),
    }
}

/// Every set tells what a connection goes through.
fn examine_lives(sets: &[&str], report: &mut Report) {
    for (set, port) in sets.iter().zip(FIRST_PORT..) {
        let watch = Tracer::start(&["states", "--watch", "--json", "--hooks", set]);
        match watch.and_then(|tracer| lifecycle::check(tracer, port)) {
            Ok(session) => report.passed(set, "watch", &session.start["hooks"].to_string()),
            Err(error) => report.failed(set, "watch", &format!("{error:#}")),
        }
    }
}

/// Over a long way, every set tells how long it is. On an emulated processor, a handshake takes
/// milliseconds more, tens of them where another machine runs beside it: there and back is a little above
/// the lower edge of a wide bucket (524 to 590 ms).
fn examine_times(sets: &[&str], report: &mut Report) {
    const TIMING: Timing = Timing {
        delay: Duration::from_millis(264),
        accept: Duration::from_millis(528),
    };
    let told = || -> Result<Vec<Session>> {
        let tracers = at_once(sets, |set| {
            Tracer::start(&["latency", "--json", "--hooks", set])
        })?;
        TIMING.play()?;
        at_once(tracers, Tracer::stop)
    };
    match told() {
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
