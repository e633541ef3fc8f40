//! Every command ends at once, also while its reader has stopped reading and the pipe is full.
//!
//! Each row of the table is a command, once in text and once in JSON. It writes to a pipe of one page,
//! which the harness fills to the last byte once the command has begun. Then a signal comes, or the
//! reader goes away.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use netperf_tests::checks::lookups::{ADDRESS, ask, question};
use netperf_tests::net::netns::in_fresh_netns;
use netperf_tests::peer::dns_server::{A, DnsServer, Script};
use netperf_tests::peer::nginx::serve;
use netperf_tests::sys::turn;
use netperf_tests::tracer::registry::RegistryFolder;
use netperf_tests::tracer::stalled::{Ended, Stalled};
use netperf_tests::tracer::{binary, integer, ndjson};
use nix::sys::signal::Signal;

/// Longest time from a signal, or from when the reader closes the pipe, to the end of the command.
const LONGEST: Duration = Duration::from_millis(300);

/// The same for `doctor`, which detaches six system call tracepoints: the kernel ends them one after the other, under
/// one lock, and takes some 40 ms for each.
const LONGEST_OF_DOCTOR: Duration = Duration::from_millis(500);

/// Time in which a command that ticks ten times a second runs into the full pipe.
const STALL: Duration = Duration::from_millis(700);

/// How a command is made to end.
const SIGNALS: [Signal; 3] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];

/// Where the server for `http` listens.
const HTTP: &str = "127.0.0.1:4180";

/// Commands, whose `PID` is an idle process, and the exit statuses that are a good end.
macro_rules! commands {
    ($($name:ident: $words:literal, $statuses:expr;)*) => {
        $(
            mod $name {
                #[test]
                fn ends_in_text() -> anyhow::Result<()> {
                    super::ends($words, "--batch", &$statuses)
                }

                #[test]
                fn ends_in_json() -> anyhow::Result<()> {
                    super::ends($words, "--json", &$statuses)
                }
            }
        )*
    };
}

commands! {
    top: "top -d 0.1", [0];
    flows: "flows -d 0.1", [0];
    retrans: "retrans -d 0.1", [0];
    retrans_watch: "retrans --watch -d 0.1", [0];
    latency: "latency -d 0.1", [0];
    states: "states -d 0.1", [0];
    states_watch: "states --watch -d 0.1", [0];
    sockets: "sockets -d 0.1", [0];
    nic: "nic -d 0.1", [0];
    path: "path 127.0.0.1 -i 0.1 -c 1000000", [0];
    dns: "dns ends.test A @127.0.0.2 --only -c 1 -d 0.1", [0];
    dns_watch: "dns --watch -d 0.1", [0];
    http: "http http://127.0.0.1:4180/ -c 1 -d 0.1", [0];
    limit: "limit --pid PID 5MB -d 0.1", [0];
    // What is wrong with the machine of the tests is no matter here.
    doctor: "doctor --for 600s", [0, 5];
}

/// Stalls one process for each way to end, and ends one after the other.
fn ends(words: &'static str, format: &'static str, statuses: &'static [i32]) -> Result<()> {
    let longest = if words.starts_with("doctor") {
        LONGEST_OF_DOCTOR
    } else {
        LONGEST
    };
    // Others that begin meanwhile would slow the end down.
    let _turn = turn::exclusive();
    in_fresh_netns(move || {
        let peers = Peers::new()?;
        let start = || Stalled::start(&mut peers.command(words, format)?);
        let mut stalled = (0..=SIGNALS.len())
            .map(|_| start())
            .collect::<Result<Vec<_>>>()?;
        thread::sleep(STALL);
        let closing = stalled.pop().context("no command")?;
        let mut wrong = Vec::new();
        let mut judge = |how: &str, ended: Result<Ended>| match ended
            .and_then(|it| is_good(&it, longest, statuses))
        {
            Ok(()) => {}
            Err(error) => wrong.push(format!("{how}: {error:#}")),
        };
        for (one, signal) in stalled.into_iter().zip(SIGNALS) {
            judge(signal.as_str(), one.end_by(signal));
        }
        judge("the reader closes the pipe", closing.end_by_close());
        if !wrong.is_empty() {
            bail!("{words} {format}: {}", wrong.join("; "));
        }
        Ok(())
    })
}

fn is_good(ended: &Ended, longest: Duration, statuses: &[i32]) -> Result<()> {
    let Ended { took, status, log } = ended;
    ensure!(*took <= longest, "it took {took:?}");
    let is_good = status.code().is_some_and(|code| statuses.contains(&code));
    ensure!(is_good, "{status}, {log}");
    Ok(())
}

/// What the commands connect to, in the network namespace of this thread.
struct Peers {
    idle: Child,
    folder: RegistryFolder,
    _dns: DnsServer,
}

impl Peers {
    fn new() -> Result<Self> {
        serve(
            HTTP.parse()?,
            Duration::ZERO,
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )?;
        Ok(Self {
            idle: Command::new("sleep")
                .arg("600")
                .stdin(Stdio::null())
                .spawn()?,
            folder: RegistryFolder::new()?,
            _dns: DnsServer::at(
                [127, 0, 0, 2],
                &[("ends.test", A, Script::values(0, &[ADDRESS]))],
            )?,
        })
    }

    fn command(&self, words: &str, format: &str) -> Result<Command> {
        let words = words.replace("PID", &self.idle.id().to_string());
        let mut command = Command::new(binary()?);
        command.args(words.split(' ')).arg(format);
        command.env("NETPERF_TRACE_RUN", &self.folder.0);
        Ok(command)
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        let _ = self.idle.kill();
        let _ = self.idle.wait();
    }
}

/// More queries than the ring has room for, some 2500 packets, while nothing is read.
#[test]
fn a_stalled_dns_watch_goes_on_taking_its_events() -> Result<()> {
    const QUERIES: u16 = 4_000;
    let _turn = turn::exclusive();
    in_fresh_netns(|| {
        let scripts = [("stalled.watch", A, Script::values(0, &[ADDRESS]))];
        let server = DnsServer::at([127, 0, 0, 2], &scripts)?.address;
        let own = std::process::id().to_string();
        let mut command = Command::new(binary()?);
        command.args(["dns", "--watch", "--json", "-d", "0.2", "--pid", &own]);
        let stalled = Stalled::start(&mut command)?;
        for number in 0..QUERIES {
            ask(server, &question(number, "stalled.watch", A), true)?;
            if number % 100 == 0 {
                // As many in a second as a busy resolver has.
                thread::sleep(Duration::from_millis(50));
            }
        }
        thread::sleep(STALL);
        let (output, ended) = stalled.resume(Signal::SIGINT)?;
        ensure!(ended.status.success(), "{}: {}", ended.status, ended.log);
        let lines = ndjson::lines(&output)?;
        ensure!(
            lines.last().is_some_and(|line| line["type"] == "end"),
            "no end"
        );
        let tick = lines.iter().rfind(|line| line["type"] == "dns_watch");
        let loss = &tick.context("no tick")?["loss"];
        ensure!(integer(loss, "ring_lost")? == 0, "{loss}");
        let shown = lines
            .iter()
            .filter(|line| line["query"] == "stalled.watch")
            .count();
        let counts = loss.as_object().context("no loss")?.values();
        let dropped: u64 = counts.filter_map(serde_json::Value::as_u64).sum();
        ensure!(
            u64::try_from(shown)? + dropped == u64::from(QUERIES),
            "{shown} of {QUERIES} queries are shown, and {loss} are lost"
        );
        Ok(())
    })
}
