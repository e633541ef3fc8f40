//! The limited stream: between two namespaces, counted at the receiver.

use std::collections::VecDeque;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::cpu_times::{CpuTimes, Cpus};
use crate::netns::{self, Side};
use crate::process::Process;
use crate::{Bench, now};

/// Time over which a rate is averaged.
pub(super) const BIN: Duration = Duration::from_millis(100);

/// Time over which the receiver counts, and the number of these in a bin.
const SLICE: Duration = Duration::from_millis(10);
const SLICES: usize = 10;

/// Port of a process without a limit.
const OTHER_PORT: u16 = 5002;

/// Seconds for which a source sends; it is stopped earlier.
const LONG: &str = "600";

/// How many slices to wait for a rate.
const PATIENCE: u32 = 1_000;

/// Which end is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitedEnd {
    Sender,
    Receiver,
}

impl LimitedEnd {
    pub(super) fn direction(self) -> &'static str {
        match self {
            Self::Sender => "up",
            Self::Receiver => "down",
        }
    }

    /// The side on which it runs.
    pub(super) fn side(self) -> Side {
        match self {
            Self::Sender => Side::Near,
            Self::Receiver => Side::Far,
        }
    }
}

/// A stream and its limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) protocol: &'static str,
    pub(super) held: LimitedEnd,
    /// The limit in MB/s.
    pub(super) rate: u32,
    pub(super) connections: u8,
}

impl Case {
    pub(super) fn name(self) -> String {
        format!("{} {}", self.protocol, self.held.direction())
    }

    /// The limit in bytes per second.
    pub(super) fn limit_bytes_per_s(self) -> f64 {
        f64::from(self.rate) * 1e6
    }
}

/// A running stream.
pub(super) struct Traffic {
    sink: Process,
    source: Process,
}

impl Traffic {
    /// Starts a stream without a limit; each end is started through a command that replaces itself by its arguments.
    pub(super) fn start_by(
        bench: &Bench,
        (source, sink): (&mut Command, &mut Command),
        (protocol, port, connections): (&str, u16, u8),
        pace: Option<f64>,
    ) -> Result<Self> {
        let address = format!("{}:{port}", Side::Far.address());
        let mover = &bench.programs.mover;
        sink.arg(mover).args(["stream", "sink", protocol, &address]);
        let sink = Process::start(sink.arg(SLICE.as_millis().to_string()))?;
        sink.line()?;
        let (connections, pace) = (connections.to_string(), pace.map(|it| format!("{it:.0}")));
        source.arg(mover).args(["stream", "source", protocol]);
        source.args([&address, &connections, LONG]).args(pace);
        let source = Process::start(source)?;
        // It gets up to speed.
        thread::sleep(Duration::from_secs(1));
        let traffic = Self { sink, source };
        traffic.catch_up()?;
        Ok(traffic)
    }

    /// Starts a stream, without a limit or paced by the kernel to `pace` bytes per second on each connection.
    pub(super) fn start(bench: &Bench, what: (&str, u16, u8), pace: Option<f64>) -> Result<Self> {
        let (mut near, mut far) = (netns::command(Side::Near), netns::command(Side::Far));
        Self::start_by(bench, (&mut near, &mut far), what, pace)
    }

    /// Process id of the limited end.
    pub(super) fn pid(&self, held: LimitedEnd) -> u32 {
        match held {
            LimitedEnd::Sender => self.source.pid(),
            LimitedEnd::Receiver => self.sink.pid(),
        }
    }

    /// Bytes in the next slice.
    fn slice(&self) -> Result<f64> {
        Ok(self.sink.line()?.trim().parse()?)
    }

    /// Bytes per second in each of the next bins.
    pub(super) fn bins(&self, count: usize) -> Result<Vec<f64>> {
        let bin = || -> Result<f64> {
            let slices = (0..SLICES).map(|_| self.slice());
            Ok(slices.sum::<Result<f64>>()? / BIN.as_secs_f64())
        };
        (0..count).map(|_| bin()).collect()
    }

    /// The same, and the share of the CPU time that the hypervisor left.
    pub(super) fn bins_and_share_left(&self, count: usize) -> Result<(Vec<f64>, f64)> {
        let before = CpuTimes::now(Cpus::All)?;
        let bins = self.bins(count)?;
        Ok((bins, CpuTimes::now(Cpus::All)?.share_left_since(before)))
    }

    /// Skips the slices that have ended.
    pub(super) fn catch_up(&self) -> Result<()> {
        loop {
            let before = now();
            self.slice()?;
            if before.elapsed() > SLICE / 5 {
                return Ok(());
            }
        }
    }

    /// Milliseconds until the begin of a bin whose rate is as wanted.
    pub(super) fn until(&self, is_wanted: impl Fn(f64) -> bool) -> Result<f64> {
        let found = self.until_or_never(is_wanted)?;
        ensure!(found.is_finite(), "what was waited for does not happen");
        Ok(found)
    }

    /// The same; infinite if there is none.
    pub(super) fn until_or_never(&self, is_wanted: impl Fn(f64) -> bool) -> Result<f64> {
        let mut last = VecDeque::new();
        for begun in 0..PATIENCE {
            while last.len() < SLICES {
                last.push_back(self.slice()?);
            }
            if is_wanted(last.iter().sum::<f64>() / BIN.as_secs_f64()) {
                return Ok((SLICE * begun).as_secs_f64() * 1e3);
            }
            last.pop_front();
        }
        Ok(f64::INFINITY)
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

/// Another process that sends over the same interface without a limit.
pub(super) fn bystander(bench: &Bench) -> Result<Traffic> {
    Traffic::start(bench, ("tcp", OTHER_PORT, 1), None)
}

/// Limits a process.
pub(super) fn limit(bench: &Bench, traffic: &Traffic, case: Case) -> Result<Process> {
    Process::start(Command::new(&bench.programs.tracer).args([
        "limit",
        "--json",
        "--pid",
        &traffic.pid(case.held).to_string(),
        &format!("--{}", case.held.direction()),
        &format!("{}MB", case.rate),
    ]))
}

/// Segments that the sender has retransmitted.
pub(super) fn sent_again() -> Result<f64> {
    let output = netns::command(Side::Near)
        .args(["cat", "/proc/net/snmp", "/proc/net/netstat"])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(counter(&text, "Tcp:", "RetransSegs")? - counter(&text, "TcpExt:", "TCPRetransFail")?)
}

fn counter(text: &str, group: &str, name: &str) -> Result<f64> {
    let mut lines = text
        .lines()
        .filter(|line| line.split(' ').next() == Some(group));
    let (names, values) = lines.next().zip(lines.next()).context("no counters")?;
    let mut both = names.split(' ').zip(values.split(' '));
    let found = both.find(|(found, _)| *found == name);
    Ok(found.context("no such counter")?.1.parse()?)
}

/// Runs a command that must succeed.
pub(super) fn run(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    ensure!(status.success(), "`{command:?}`: {status}");
    Ok(())
}
