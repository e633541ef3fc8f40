//! The cost of each hook set on this kernel: requests and answers with no program, with empty programs, and
//! with the tracer.
//!
//! On an emulated processor times mean nothing, and ratios little: it has no caches and no branch predictor.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::known;
use super::machine::Kernel;
use super::report::print;
use crate::sys::deadline::Deadline;
use crate::tracer::Tracer;

/// Turns, each of which measures everything once.
const TURNS: u32 = 7;

/// Duration of each measurement.
const SPAN: Duration = Duration::from_millis(1500);

/// Bytes of a request and of an answer.
const MESSAGE: usize = 64;

/// Requests between two reads of the clock.
const BATCH: u32 = 32;

/// Paths in the image: the program that attaches empty programs, and their object file.
const HOOKS: &str = "/target/hooks";
const EMPTY: &str = "/target/netperf-ebpf-empty";

/// What runs beside the load.
enum Beside {
    Nothing,
    Empty(Child),
    Tracer(Tracer),
}

/// Measures all sets, and prints each rate on a line of its own.
pub(super) fn measure(sets: &[&str], kernel: Kernel) -> Result<()> {
    // The formats of tracepoint records are read there.
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

fn rate(turn: u32, set: &str, beside: &str, running: Beside) -> Result<()> {
    let rounds_per_s = converse()?;
    match running {
        Beside::Nothing => {}
        Beside::Empty(mut hooks) => {
            drop(hooks.stdin.take());
            ensure!(hooks.wait()?.success(), "the empty programs ended early");
        }
        Beside::Tracer(tracer) => {
            tracer.stop()?;
        }
    }
    print(&json!({
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
        .args(["--empty", EMPTY, "--path", known::hook_path(set, kernel)])
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

/// Requests and answers over one connection, as fast as possible. Returns their rate per second.
fn converse() -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server_end, _) = listener.accept()?;
    client.set_nodelay(true)?;
    server_end.set_nodelay(true)?;
    let server = thread::spawn(move || {
        let mut message = [0; MESSAGE];
        while server_end.read_exact(&mut message).is_ok() && server_end.write_all(&message).is_ok()
        {
        }
    });
    let mut message = [0; MESSAGE];
    let mut rounds = 0;
    let until = Deadline::after(SPAN);
    while !until.passed() {
        for _ in 0..BATCH {
            client.write_all(&message)?;
            client.read_exact(&mut message)?;
        }
        rounds += BATCH;
    }
    let seconds = until.elapsed().as_secs_f64();
    drop(client);
    ensure!(server.join().is_ok(), "the server panicked");
    Ok(f64::from(rounds) / seconds)
}
