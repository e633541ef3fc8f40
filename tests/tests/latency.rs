//! Does `latency` show the time that a way takes, and a program, for the process whose time it is?

use std::process;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use netperf_tests::batch::{run, text};
use netperf_tests::slow::Pace;
use netperf_tests::tracer::Tracer;

/// Both tests connect in this process, to the same addresses.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn the_way_and_the_program_take_what_they_take() -> Result<()> {
    // Slow, so that what a busy machine adds stays small beside it.
    const SLOW: Pace = Pace {
        one_way: Duration::from_millis(100),
        accept: Duration::from_millis(200),
    };
    let _turn = TURN.lock();
    let own = process::id().to_string();
    let tracer = Tracer::start(&["latency", "--json", "-d", "0.5", "--pid", &own])?;
    SLOW.play()?;
    SLOW.check(&tracer.stop()?)
}

#[test]
fn bars_stand_below_the_lines_in_text() -> Result<()> {
    const QUICK: Pace = Pace {
        one_way: Duration::from_millis(5),
        accept: Duration::from_millis(5),
    };
    let _turn = TURN.lock();
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
        while !tracer.is_finished() {
            QUICK.play()?;
        }
        tracer.join().ok().context("a thread panicked")?
    })?;
    let shown = text(&output.stdout)?;
    for word in ["TIME TO", "connect", "accept", "rtt", "10.73.0.2", "####"] {
        ensure!(shown.contains(word), "no `{word}` in {shown}");
    }
    Ok(())
}
