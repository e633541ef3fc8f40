//! What is held? A stream between two namespaces, counted where it arrives.

use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::bench::program::Program;
use crate::bench::stage::{self, Side};
use crate::bench::{Bench, now};

/// Time over which a sink counts (`netperf_tests::stream`).
pub(super) const BIN: Duration = Duration::from_millis(100);

/// Seconds for which a source sends; it is ended before.
const LONG: &str = "60";

/// How many bins something may take.
const PATIENCE: u32 = 100;

/// Who is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Sender,
    Receiver,
}

impl Held {
    pub(super) fn direction(self) -> &'static str {
        match self {
            Self::Sender => "up",
            Self::Receiver => "down",
        }
    }

    /// Where it runs.
    pub(super) fn side(self) -> Side {
        match self {
            Self::Sender => Side::Near,
            Self::Receiver => Side::Far,
        }
    }
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Play {
    pub(super) protocol: &'static str,
    pub(super) held: Held,
    /// MB/s that it is held to.
    pub(super) rate: u32,
    pub(super) connections: u8,
}

impl Play {
    pub(super) fn name(self) -> String {
        format!("{} {}", self.protocol, self.held.direction())
    }

    /// In bytes per second.
    pub(super) fn asked(self) -> f64 {
        f64::from(self.rate) * 1e6
    }
}

/// A stream that is on its way.
pub(super) struct Traffic {
    sink: Program,
    source: Program,
}

impl Traffic {
    /// As fast as it goes, each end by a command that becomes what its arguments name.
    pub(super) fn start_by(
        bench: &Bench,
        (source, sink): (&mut Command, &mut Command),
        (protocol, port, connections): (&str, u16, u8),
        pace: Option<f64>,
    ) -> Result<Self> {
        let address = format!("{}:{port}", Side::Far.address());
        let mover = &bench.programs.mover;
        let sink = Program::start(sink.arg(mover).args(["stream", "sink", protocol, &address]))?;
        sink.line()?;
        let (connections, pace) = (connections.to_string(), pace.map(|it| format!("{it:.0}")));
        source.arg(mover).args(["stream", "source", protocol]);
        source.args([&address, &connections, LONG]).args(pace);
        let source = Program::start(source)?;
        // It gets up to speed.
        thread::sleep(Duration::from_secs(1));
        let traffic = Self { sink, source };
        traffic.catch_up()?;
        Ok(traffic)
    }

    /// As fast as it goes, or as a source goes that keeps to a pace by itself, in bytes per second.
    pub(super) fn start(bench: &Bench, what: (&str, u16, u8), pace: Option<f64>) -> Result<Self> {
        let (mut near, mut far) = (stage::command(Side::Near), stage::command(Side::Far));
        Self::start_by(bench, (&mut near, &mut far), what, pace)
    }

    /// The process that is held.
    pub(super) fn pid(&self, held: Held) -> u32 {
        match held {
            Held::Sender => self.source.pid(),
            Held::Receiver => self.sink.pid(),
        }
    }

    /// Bytes per second in the next bin.
    pub(super) fn bin(&self) -> Result<f64> {
        let bytes: f64 = self.sink.line()?.trim().parse()?;
        Ok(bytes / BIN.as_secs_f64())
    }

    /// The same in the next ones.
    pub(super) fn bins(&self, count: usize) -> Result<Vec<f64>> {
        (0..count).map(|_| self.bin()).collect()
    }

    /// Passes over the bins that are over.
    pub(super) fn catch_up(&self) -> Result<()> {
        loop {
            let before = now();
            self.bin()?;
            if before.elapsed() > BIN / 5 {
                return Ok(());
            }
        }
    }

    /// Milliseconds until the end of the first bin that is as wanted.
    pub(super) fn until(&self, is_wanted: impl Fn(f64) -> bool) -> Result<f64> {
        for waited in 1..=PATIENCE {
            if is_wanted(self.bin()?) {
                return Ok(f64::from(waited) * BIN.as_secs_f64() * 1e3);
            }
        }
        anyhow::bail!("what was waited for does not happen")
    }
}

/// Mean and standard deviation.
pub(super) fn mean_and_deviation(bins: &[f64]) -> (f64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "some bins")]
    let count = bins.len() as f64;
    let mean = bins.iter().sum::<f64>() / count;
    let variance = bins.iter().map(|bin| (bin - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

/// Holds a process to a rate.
pub(super) fn limit(bench: &Bench, traffic: &Traffic, play: Play) -> Result<Program> {
    Program::start(Command::new(&bench.programs.tracer).args([
        "limit",
        "--json",
        "--pid",
        &traffic.pid(play.held).to_string(),
        &format!("--{}", play.held.direction()),
        &format!("{}MB", play.rate),
    ]))
}

/// `RetransSegs` where the sender is.
pub(super) fn sent_again() -> Result<f64> {
    let output = stage::command(Side::Near)
        .args(["cat", "/proc/net/snmp"])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut lines = text.lines().filter(|line| line.starts_with("Tcp:"));
    let (names, values) = lines.next().zip(lines.next()).context("no counters")?;
    let mut both = names.split(' ').zip(values.split(' '));
    let found = both.find(|(name, _)| *name == "RetransSegs");
    Ok(found.context("no such counter")?.1.parse()?)
}

/// Runs a command that is to succeed.
pub(super) fn run(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    ensure!(status.success(), "`{command:?}`: {status}");
    Ok(())
}
