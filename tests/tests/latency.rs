//! Does `latency` show the time that a way takes, and a program, for the process whose time it is?

use std::process;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use netperf_tests::batch::{run, text};
use netperf_tests::slow::Pace;
use netperf_tests::tracer::Tracer;

const PACE: Pace = Pace {
    one_way: Duration::from_millis(20),
    accept: Duration::from_millis(60),
};

#[test]
fn the_way_and_the_program_take_what_they_take() -> Result<()> {
    let own = process::id().to_string();
    let tracer = Tracer::start(&["latency", "--json", "-d", "0.5", "--pid", &own])?;
    PACE.play()?;
    PACE.check(&tracer.stop()?)
}

#[test]
fn bars_stand_below_the_lines_in_text() -> Result<()> {
    let own = process::id().to_string();
    let arguments = [
        "latency",
        "-b",
        "--histogram",
        "-d",
        "3",
        "-n",
        "1",
        "--pid",
        &own,
    ];
    let output = thread::scope(|scope| {
        let tracer = scope.spawn(|| run(arguments));
        PACE.play()?;
        tracer.join().ok().context("a thread panicked")?
    })?;
    let shown = text(&output.stdout)?;
    for word in [
        "TIME TO",
        "connect",
        "accept",
        "and back",
        "10.73.0.2",
        "####",
    ] {
        ensure!(shown.contains(word), "no `{word}` in {shown}");
    }
    Ok(())
}
