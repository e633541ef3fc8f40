//! Other tools that limit a process or an interface, and how each is started.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::PORT;
use super::traffic::{Case, LimitedEnd, Traffic, limit, run};
use crate::Bench;
use crate::netns::{self, VETH};
use crate::process::Process;

/// In a file system of the benchmark's own.
const TOLL_FILE: &str = "/run/toll.yaml";

/// A tool that limits the rate of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limiter {
    Ours,
    /// A token bucket for the whole interface.
    Tbf,
    /// A library that is loaded into programs that it starts.
    Trickle,
    /// Classes and filters for the ports that a process uses.
    TrafficToll,
}

/// A stream and the tool that limits it; dropping this ends both.
pub(super) struct Holding<'a> {
    bench: &'a Bench,
    pub(super) traffic: Traffic,
    case: Case,
    limiter: Limiter,
    program: Option<Process>,
}

impl Limiter {
    pub(super) const ALL: [Self; 4] = [Self::Ours, Self::Tbf, Self::Trickle, Self::TrafficToll];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "netperf-trace limit",
            Self::Tbf => "tc tbf",
            Self::Trickle => "trickle",
            Self::TrafficToll => "TrafficToll",
        }
    }

    /// Why it can't be measured, if it can't.
    pub(super) fn is_missing(self) -> Option<String> {
        let program = match self {
            Self::Ours | Self::Tbf => return None,
            Self::Trickle => "trickle",
            Self::TrafficToll => "tt",
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let is_there = std::env::split_paths(&path).any(|folder| folder.join(program).exists());
        (!is_there).then(|| format!("{} is not installed.", self.name()))
    }

    /// Whether it can limit that end of a stream.
    pub(super) fn holds(self, held: LimitedEnd) -> bool {
        self != Self::Tbf || held == LimitedEnd::Sender
    }

    /// Whether it limits only programs that it has started.
    pub(super) fn starts(self) -> bool {
        self == Self::Trickle
    }

    /// A stream to be limited; a tool that must start it limits it already.
    pub(super) fn stream(self, bench: &Bench, case: Case) -> Result<Holding<'_>> {
        let (mut source, mut sink) = (
            netns::command(LimitedEnd::Sender.side()),
            netns::command(LimitedEnd::Receiver.side()),
        );
        if self == Self::Trickle {
            // It counts in KiB, and a process in one direction needs the other, too.
            let rate = (case.rate * 1_000_000 / 1_024).to_string();
            let through = match case.held {
                LimitedEnd::Sender => &mut source,
                LimitedEnd::Receiver => &mut sink,
            };
            through.args(["trickle", "-s", "-u", &rate, "-d", &rate]);
        }
        let what = (case.protocol, PORT, case.connections);
        let traffic = Traffic::start_by(bench, (&mut source, &mut sink), what, None)?;
        Ok(Holding {
            bench,
            traffic,
            case,
            limiter: self,
            program: None,
        })
    }
}

impl Holding<'_> {
    /// Starts the limit.
    pub(super) fn hold(&mut self) -> Result<()> {
        let Self {
            bench,
            case,
            limiter,
            ..
        } = *self;
        let rate = case.rate;
        match limiter {
            Limiter::Ours => self.program = Some(limit(bench, &self.traffic, case)?),
            Limiter::Tbf => {
                let words = format!(
                    "qdisc add dev {VETH} root tbf rate {}mbit burst 80kb latency 400ms",
                    rate * 8
                );
                run(self.beside("tc").args(words.split(' ')))?;
            }
            Limiter::Trickle => {}
            Limiter::TrafficToll => {
                // It would load a module to get one.
                run(self
                    .beside("ip")
                    .args(["link", "add", "ifb0", "type", "ifb"]))?;
                let end = match case.held {
                    LimitedEnd::Sender => "source",
                    LimitedEnd::Receiver => "sink",
                };
                let direction = case.held.direction().to_owned() + "load";
                let text = format!(
                    "processes:\n  held:\n    {direction}: {rate}mbps\n    match:\n      \
                     - cmdline: '.*stream {end} tcp .*:{PORT}.*'\n"
                );
                fs::write(TOLL_FILE, text)?;
                // It ends by SIGINT alone, which a shell makes background jobs ignore.
                let mut toll = self.beside("env");
                toll.args(["--default-signal=INT", "tt", VETH, TOLL_FILE]);
                toll.stderr(Stdio::null());
                self.program = Some(Process::start(&mut toll)?);
            }
        }
        Ok(())
    }

    /// A command in the namespace of the limited end.
    fn beside(&self, program: &str) -> Command {
        let mut command = netns::command(self.case.held.side());
        command.arg(program);
        command
    }

    /// Ends the limit.
    pub(super) fn end(mut self) -> Result<()> {
        let program = self.program.take();
        match self.limiter {
            Limiter::Ours => {
                program.context("it runs")?.interrupt()?;
            }
            Limiter::Tbf => run(self
                .beside("tc")
                .args(["qdisc", "del", "dev", VETH, "root"]))?,
            Limiter::Trickle => {}
            Limiter::TrafficToll => {
                program.context("it runs")?.interrupt()?;
                run(self.beside("ip").args(["link", "del", "ifb0"]))?;
            }
        }
        Ok(())
    }
}
