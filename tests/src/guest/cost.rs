//! What does each hook set cost here? Requests and answers beside nothing, empty programs and the tracer.
//!
//! On an emulated processor times mean nothing, and ratios little: it knows no caches and no predictor.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::known;
use super::machine::Kernel;
use super::report::tell;
use crate::sys::deadline::Deadline;
use crate::tracer::Tracer;

/// Turns, each of which measures everything once.
const TURNS: u32 = 7;

/// How long each is measured.
const SPAN: Duration = Duration::from_millis(1500);

/// Bytes of a request and of an answer.
const MESSAGE: usize = 64;

/// Requests between two looks at the clock.
const BATCH: u32 = 32;

/// Where the image has what attaches empty programs, and these.
const HOOKS: &str = "/target/hooks";
const EMPTY: &str = "/target/netperf-ebpf-empty";

/// What runs beside the load.
enum Beside {
    Nothing,
    Empty(Child),
    Tracer(Tracer),
}

/// Measures all sets, and tells each rate in a line of its own.
pub(super) fn measure(sets: &[&str], kernel: Kernel) -> Result<()> {
    // Tracepoints have their records at the usual place.
    super::machine::mount_tracefs()?;
    for turn in 0..TURNS {
        rate(turn, "none", "nothing", Beside::Nothing)?;
        for &set in sets {
            rate(turn, set, "empty", Beside::Empty(empty(set, kernel)?))?;
            let tracer = Tracer::start(&["top", "--json", "--hooks", set])?;
            rate(turn, set, "tracer", Beside::Tracer(tracer))?;
        }
    }
    Ok(())
}

fn rate(turn: u32, set: &str, beside: &str, company: Beside) -> Result<()> {
    let rounds_per_s = converse()?;
    match company {
        Beside::Nothing => {}
        Beside::Empty(mut hooks) => {
            drop(hooks.stdin.take());
            ensure!(hooks.wait()?.success(), "the empty programs ended early");
        }
        Beside::Tracer(tracer) => {
            tracer.stop()?;
        }
    }
    tell(&json!({
        "type": "rate",
        "turn": turn,
        "set": set,
        "beside": beside,
        "rounds_per_s": rounds_per_s,
    }));
    Ok(())
}

/// A process that holds empty programs until its stdin is closed.
fn empty(set: &str, kernel: Kernel) -> Result<Child> {
    let mut hooks = Command::new(HOOKS)
        .args(["--empty", EMPTY, "--path", known::way_in(set, kernel)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("no `hooks`")?;
    let mut line = String::new();
    let answers = hooks.stdout.as_mut().context("its stdout is a pipe")?;
    BufReader::new(answers).read_line(&mut line)?;
    ensure!(line.trim() == "ready", "`{line}` from the empty programs");
    Ok(hooks)
}

/// Requests and answers over one connection, as fast as they come. Returns how many in a second.
fn converse() -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut asking = TcpStream::connect(listener.local_addr()?)?;
    let (mut answering, _) = listener.accept()?;
    asking.set_nodelay(true)?;
    answering.set_nodelay(true)?;
    let server = thread::spawn(move || {
        let mut message = [0; MESSAGE];
        while answering.read_exact(&mut message).is_ok() && answering.write_all(&message).is_ok() {}
    });
    let mut message = [0; MESSAGE];
    let mut rounds = 0;
    let until = Deadline::after(SPAN);
    while !until.passed() {
        for _ in 0..BATCH {
            asking.write_all(&message)?;
            asking.read_exact(&mut message)?;
        }
        rounds += BATCH;
    }
    let seconds = until.elapsed().as_secs_f64();
    drop(asking);
    ensure!(server.join().is_ok(), "the answering thread panicked");
    Ok(f64::from(rounds) / seconds)
}
