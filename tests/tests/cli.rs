//! The command line: what it accepts and refuses, how it ends, and with which exit status.

use std::io::Write;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use netperf_tests::load::mover::Mover;
use netperf_tests::sys::deadline::Deadline;
use netperf_tests::tracer::command::{run, run_as, text};
use netperf_tests::tracer::ndjson;
use netperf_tests::tracer::{self, Tracer, exact};
use nix::sys::signal::Signal;

/// Runs a command line that must be refused as wrong usage; returns the message.
fn refused(args: &[&str]) -> Result<String> {
    let output = run(args)?;
    let message = text(&output.stderr)?.to_owned();
    ensure!(
        output.status.code() == Some(2),
        "{args:?}: {}, {message}",
        output.status
    );
    ensure!(output.stdout.is_empty(), "{args:?} prints on stdout");
    Ok(message)
}

#[test]
fn a_unit_that_tools_read_differently_is_refused_with_both_readings() -> Result<()> {
    for unit in ["Mb", "mbps", "Mbps"] {
        let message = refused(&["top", "--units", unit])?;
        ensure!(
            message.contains("Mbit") && message.contains("MB"),
            "{message}"
        );
    }
    Ok(())
}

#[test]
fn an_interval_outside_its_bounds_is_refused_with_the_bounds() -> Result<()> {
    for interval in ["0.05", "4000", "0", "-1", "-0.5", "nan", "inf", "soon"] {
        let message = refused(&["top", &format!("--interval={interval}")])?;
        ensure!(
            message.contains("0.1") && message.contains("3600"),
            "{interval}: {message}"
        );
    }
    Ok(())
}

#[test]
fn unknown_words_are_refused_by_name() -> Result<()> {
    for (args, named) in [
        (&["top", "--sort", "colour"][..], "colour"),
        (&["top", "--colour"], "--colour"),
        (&["tip"], "tip"),
        (&["flows", "--proto", "icmp"], "icmp"),
        (&["flows", "--remote", "10.0.0.0/33"], "10.0.0.0/33"),
        (&["flows", "--port", "70000"], "70000"),
        (&["flows", "--by", "colour"], "colour"),
        (&["top", "--name", "("], "("),
        (&["top", "--pid", "-4"], "-4"),
        (&["top", "--hooks", "magic"], "magic"),
        (&["top", "--units", "furlong"], "furlong"),
        (&["top", "-n", "-1"], "-1"),
        (&["doctor", "--kernel", "--pid", "7"], "--pid"),
        (&["doctor", "--for", "10"], "10s"),
        (&["nic", "--fail-if", "colour>1"], "colour"),
    ] {
        let message = refused(args)?;
        ensure!(message.contains(named), "{args:?}: {message}");
    }
    Ok(())
}

#[test]
fn help_goes_to_stdout_and_has_examples() -> Result<()> {
    for args in [
        &["--help"][..],
        &["top", "--help"],
        &["flows", "--help"],
        &["nic", "--help"],
        &["doctor", "--help"],
    ] {
        let output = run(args)?;
        ensure!(
            output.status.success() && output.stderr.is_empty(),
            "{args:?}"
        );
        ensure!(
            text(&output.stdout)?.contains("sudo netperf-trace"),
            "{args:?} has no example"
        );
    }
    Ok(())
}

#[test]
fn doctor_answers_line_by_line_and_ends_well_where_bytes_can_be_counted() -> Result<()> {
    let output = run(["doctor", "--kernel"])?;
    ensure!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        output.status
    );
    let lines: Vec<&str> = text(&output.stdout)?.lines().skip(1).collect();
    ensure!(lines[0].starts_with("yes "), "{}", lines[0]);
    for line in lines.iter().filter(|line| !line.is_empty()) {
        let word = line.split(' ').next().unwrap_or_default();
        let heading = word.chars().all(|c| c.is_ascii_uppercase() || c == ',');
        let verdict = ["yes", "no", "partly", "unknown"].contains(&word);
        ensure!(heading || verdict, "{line}");
    }
    Ok(())
}

#[test]
fn doctor_fails_its_check_where_a_kind_of_hooks_is_refused() -> Result<()> {
    let mut refused = 0;
    for kind in ["tracepoint", "fentry", "kprobe"] {
        let output = run(["doctor", "--kernel", "--hooks", kind])?;
        let counts = run(["top", "-b", "-n", "1", "-d", "0.1", "--hooks", kind])?;
        let expected = if counts.status.success() { 0 } else { 5 };
        ensure!(
            output.status.code() == Some(expected),
            "{kind}: {}",
            output.status
        );
        refused += u32::from(expected == 5);
    }
    if refused == 0 {
        writeln!(
            std::io::stderr(),
            "skipped: this kernel refuses no kind of hooks"
        )?;
    }
    Ok(())
}

/// Runs a pipeline of the shell in which `$0` is the tracer, and returns the tracer's exit status.
fn piped(script: &str) -> Result<Option<i32>> {
    let script = format!("{script}; exit ${{PIPESTATUS[0]}}");
    let mut shell = Command::new("timeout");
    shell
        .args(["20", "bash", "-c", &script])
        .arg(tracer::binary()?);
    Ok(run_as(&mut shell)?.status.code())
}

#[test]
fn a_closed_pipe_is_success() -> Result<()> {
    for view in ["top --json", "top -b", "flows --json", "flows -b"] {
        let status = piped(&format!("\"$0\" {view} -d 0.1 | head -n 3 >/dev/null"))?;
        ensure!(status == Some(0), "{view}: {status:?}");
    }
    Ok(())
}

#[test]
fn signals_end_a_view_with_a_last_shorter_tick() -> Result<()> {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let tracer = Tracer::start(&["top", "--json", "-d", "60"])?;
        let played = Mover::start(["run", "tcp_write"])?.finish()?;
        tracer.signal(signal)?;
        let session = tracer.finish()?;
        ensure!(session.status.success(), "{signal}: {}", session.status);
        ensure!(
            session.end["reason"] == "signal" && session.end["ticks"] == 1,
            "{}",
            session.end
        );
        ensure!(session.ticks.len() == 1, "{} ticks", session.ticks.len());
        let interval = session.ticks[0]["interval_s"]
            .as_f64()
            .context("no interval")?;
        ensure!(interval < 20.0, "{interval} s");
        exact::check(&session, &played)?;
    }
    Ok(())
}

#[test]
fn a_count_of_ticks_ends_a_view() -> Result<()> {
    let session = Tracer::start(&["top", "--json", "-d", "0.2", "-n", "2"])?.finish()?;
    ensure!(
        session.status.success() && session.ticks.len() == 2,
        "{:?}",
        session.ticks
    );
    ensure!(
        session.end["reason"] == "count" && session.end["ticks"] == 2,
        "{}",
        session.end
    );
    Ok(())
}

#[test]
fn a_duration_ends_a_view_whatever_the_interval() -> Result<()> {
    let session = Tracer::start(&["top", "--json", "-d", "0.4", "--duration", "1"])?.finish()?;
    ensure!(session.status.success(), "{}", session.status);
    ensure!(session.end["reason"] == "duration", "{}", session.end);
    let seconds: f64 = session
        .ticks
        .iter()
        .filter_map(|tick| tick["interval_s"].as_f64())
        .sum();
    ensure!(seconds > 0.9 && seconds < 3.0, "{seconds} s");
    ensure!(session.ticks.len() == 3, "{} ticks", session.ticks.len());
    Ok(())
}

#[test]
fn logs_never_reach_stdout() -> Result<()> {
    let session = Tracer::start(&["top", "--json", "-vv", "-d", "0.2", "-n", "2"])?.finish()?;
    ensure!(!session.log.is_empty(), "-vv logs nothing");
    ensure!(session.ticks.len() == 2, "{:?}", session.ticks);
    let output = run(["top", "-b", "-vv", "-d", "0.2", "-n", "1"])?;
    let log = text(&output.stderr)?;
    let line = log.lines().next().context("-vv logs nothing")?;
    ensure!(!text(&output.stdout)?.contains(line), "{line}");
    Ok(())
}

#[test]
fn without_a_terminal_a_view_is_text_without_escapes() -> Result<()> {
    let mut mover = Mover::start(["steady"])?;
    mover.next_line()?.context("no steady load")?;
    for args in [
        &["top"][..],
        &["top", "-b"],
        &["flows"],
        &["flows", "-b", "--no-color"],
    ] {
        let output = run([args, &["-d", "0.3", "-n", "2"]].concat())?;
        ensure!(output.status.success(), "{args:?}: {}", output.status);
        let shown = text(&output.stdout)?;
        ensure!(shown.contains("steady out"), "{args:?}: {shown}");
        ensure!(!shown.contains('\x1b'), "{args:?}: {shown:?}");
    }
    mover.resume()?;
    mover.finish()?;
    Ok(())
}

#[test]
fn each_line_is_flushed_when_its_tick_ends() -> Result<()> {
    let mut tracer = Tracer::start(&["top", "--json", "-d", "0.2"])?;
    let clock = Deadline::seconds(10);
    for _ in 0..3 {
        tracer.next_line(clock)?.context("the tracer ended")?;
    }
    let elapsed = clock.elapsed().as_secs_f64();
    ensure!(
        elapsed > 0.3 && elapsed < 5.0,
        "three ticks of 0.2 s came in {elapsed} s"
    );
    tracer.stop()?;
    Ok(())
}

#[test]
fn hooks_that_the_kernel_refuses_are_named_with_status_4() -> Result<()> {
    for kind in ["fentry", "kprobe", "tracepoint"] {
        let output = run(["top", "--json", "-n", "1", "-d", "0.1", "--hooks", kind])?;
        let message = text(&output.stderr)?;
        match output.status.code() {
            Some(0) => {
                let lines = ndjson::lines(&output.stdout)?;
                let start = lines.first().context("no start line")?;
                ensure!(
                    start["hooks"].as_array().is_some_and(|it| !it.is_empty()),
                    "{start}"
                );
            }
            Some(4) => ensure!(message.contains(kind), "{kind}: {message}"),
            other => anyhow::bail!("{kind}: {other:?}, {message}"),
        }
    }
    Ok(())
}
