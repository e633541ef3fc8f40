//! The loads: `tests/src/bin/load`, whose processes report what they moved.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::cpu_times::Cpus;
use super::netns::{self, Side};
use super::process::Process;

/// CPU of loads whose two ends share one.
const CPU: &str = "0";

/// A kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Workload {
    /// 64-byte requests and responses on one connection.
    RoundTrips,
    /// One stream in one direction.
    Bulk,
    /// A connection for each request.
    Churn,
    /// A process for each connection.
    Swarm,
}

/// Where a load's two ends are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// Both in one namespace.
    Loopback,
    /// In two namespaces.
    Veth,
}

/// Whether other programs can take a load's CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Priority {
    /// Like any program.
    Ordinary,
    /// Above ordinary programs, so that on a busy machine, too, only hooks slow the load.
    RealTime,
}

/// A kind of load, where it runs, and with which priority.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// The kind of load.
    pub(super) workload: Workload,
    /// Where its two ends are.
    pub(super) link: Link,
    /// Its priority.
    pub(super) priority: Priority,
}

/// What one process moved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    /// Its process id.
    pub(super) pid: u32,
    /// Bytes handed to sockets.
    pub(super) tx_bytes: u64,
    /// Bytes taken from sockets.
    pub(super) rx_bytes: u64,
}

/// Result of a load.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Operations per second of wall time.
    pub(super) per_second: f64,
    /// The processes that drove the load.
    pub(super) drivers: Vec<Moved>,
    /// The process that answered.
    pub(super) server: Moved,
}

impl Workload {
    /// Its name in the load program.
    fn name(self) -> &'static str {
        match self {
            Self::RoundTrips => "rr",
            Self::Bulk => "bulk",
            Self::Churn => "churn",
            Self::Swarm => "swarm",
        }
    }

    /// Whether both ends run on one CPU, so that a hook's time is missing from the next round.
    pub(super) fn shares_cpu(self) -> bool {
        matches!(self, Self::RoundTrips | Self::Churn)
    }
}

impl Load {
    /// One connection over loopback.
    pub(super) const ROUND_TRIPS: Self = Self {
        workload: Workload::RoundTrips,
        link: Link::Loopback,
        priority: Priority::RealTime,
    };
    /// One stream over veth. It needs the kernel's own threads, which must not wait for it.
    pub(super) const BULK: Self = Self {
        workload: Workload::Bulk,
        link: Link::Veth,
        priority: Priority::Ordinary,
    };
    /// Many connections over loopback.
    pub(super) const CHURN: Self = Self {
        workload: Workload::Churn,
        link: Link::Loopback,
        priority: Priority::RealTime,
    };

    /// The CPUs whose time decides how fast it is.
    pub(super) fn cpus(self) -> Cpus {
        if self.workload.shares_cpu() {
            Cpus::Shared
        } else {
            Cpus::All
        }
    }

    /// Runs it with the load program for some time.
    pub(super) fn run(self, program: &Path, seconds: f64) -> Result<Outcome> {
        let (far, address) = match self.link {
            Link::Loopback => (Side::Near, "127.0.0.1".to_owned()),
            Link::Veth => (Side::Far, Side::Far.address().to_string()),
        };
        let mut serve = self.command(program, far, "serve");
        let answering = Process::start(serve.args(["--bind", &address]))?;
        let address: SocketAddr = answering.line()?.parse()?;
        let mut drive = self.command(program, Side::Near, "drive");
        drive.args([&address.to_string(), "--seconds", &seconds.to_string()]);
        let driving = reports(&Process::start(&mut drive)?.finish()?)?;
        let answering = reports(&answering.finish()?)?;
        Outcome::of(&driving, &answering)
    }

    /// Each program in the command line becomes the next one.
    fn command(self, program: &Path, side: Side, end: &str) -> Command {
        let mut command = netns::command(side);
        if self.priority == Priority::RealTime {
            command.args(["chrt", "--fifo", "1"]);
        }
        if self.workload.shares_cpu() {
            command.args(["taskset", "--cpu-list", CPU]);
        }
        command.arg(program).args([end, self.workload.name()]);
        command
    }
}

impl Outcome {
    /// The last report of the driving end is the driver's own; those before are its children's.
    fn of(driving: &[Value], answering: &[Value]) -> Result<Self> {
        let number = |report: &Value, field: &str| report[field].as_f64().unwrap_or(f64::NAN);
        let driver = driving.last().context("the driver reported nothing")?;
        Ok(Self {
            per_second: number(driver, "operations") / number(driver, "seconds"),
            drivers: driving.iter().map(Moved::of).collect::<Result<_>>()?,
            server: Moved::of(answering.last().context("the server reported nothing")?)?,
        })
    }
}

impl Moved {
    /// Reads a report of the load program.
    pub(super) fn of(report: &Value) -> Result<Self> {
        let number = |field: &str| {
            report[field]
                .as_u64()
                .with_context(|| format!("a load reported no `{field}`"))
        };
        Ok(Self {
            pid: number("pid")?.try_into()?,
            tx_bytes: number("tx_bytes")?,
            rx_bytes: number("rx_bytes")?,
        })
    }
}

fn reports(lines: &[String]) -> Result<Vec<Value>> {
    lines
        .iter()
        .map(|line| serde_json::from_str(line).with_context(|| format!("a load said `{line}`")))
        .collect()
}
