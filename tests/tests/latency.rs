//! `latency` shows the delay of the network and of the program, for the process concerned.

use std::process;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use netperf_tests::checks::latencies::Timing;
use netperf_tests::sys::turn;
use netperf_tests::tracer::Tracer;
use netperf_tests::tracer::command::{run, text};

#[test]
fn the_delays_of_the_link_and_of_the_program_are_reported() -> Result<()> {
    // Slow, so that what a busy machine adds stays small beside it.
    const SLOW: Timing = Timing {
        delay: Duration::from_millis(100),
        accept: Duration::from_millis(200),
    };
    // Both tests connect in this process, to the same addresses.
    let _turn = turn::exclusive();
    let own = process::id().to_string();
    let tracer = Tracer::start(&["latency", "--json", "-d", "0.5", "--pid", &own])?;
    SLOW.run()?;
    SLOW.check(&tracer.stop()?)
}

#[test]
fn bars_stand_below_the_lines_in_text() -> Result<()> {
    const QUICK: Timing = Timing {
        delay: Duration::from_millis(5),
        accept: Duration::from_millis(5),
    };
    let _turn = turn::exclusive();
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
            QUICK.run()?;
        }
        tracer.join().ok().context("a thread panicked")?
    })?;
    let shown = text(&output.stdout)?;
    for word in ["TIME TO", "connect", "accept", "rtt", "10.73.0.2", "####"] {
        ensure!(shown.contains(word), "no `{word}` in {shown}");
    }
    Ok(())
}
