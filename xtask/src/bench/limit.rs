//! How close does `limit` come to the rate that is asked for, and how evenly?

use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::program::Program;
use super::section::Section;
use super::spread::Spread;
use super::stage::{self, Side, VETH};
use super::table::{Table, Target, cell};
use super::{Bench, progress};

/// Time over which a sink counts (`netperf_tests::stream`).
const BIN: Duration = Duration::from_millis(100);

/// Bins that are held against the rate, after those of the first second.
const BINS: usize = 30;
const FIRST_SECOND: usize = 10;

/// How long a limit may take to begin.
const PATIENCE: usize = 50;

/// Asked for, in MB/s.
const RATES: [u32; 3] = [1, 20, 100];

/// Who is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Sender,
    Receiver,
}

/// What connects both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Veth,
    /// A round trip of 20 ms, and a bottleneck of 1 Gbit/s.
    Delay,
}

/// What is played.
#[derive(Clone, Copy, Debug)]
struct Play {
    protocol: &'static str,
    held: Held,
    rate: u32,
    connections: u8,
}

/// What came of it.
struct Figures {
    /// Goodput as a share of the rate that was asked for.
    share: f64,
    /// Standard deviation of the bins, in percent of their mean.
    variation: f64,
    /// Milliseconds from the command to the first bin within a tenth of the rate.
    until_held: f64,
    /// Segments sent again in the first second, and each second after.
    again: (f64, f64),
}

/// Plays each row several times, one after the other.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let mut table = Table::new(&[
        "path",
        "what",
        "MB/s",
        "connections",
        "of the rate",
        "bins vary, %",
        "held after, ms",
        "sent again, 1st s",
        "then, per s",
    ]);
    for path in [Path::Veth, Path::Delay] {
        path.make()?;
        for play in plays() {
            progress(&format!("limit, {}: {play:?}", path.name()));
            let runs = (0..bench.effort.few().min(3)).map(|_| play.run(bench));
            let runs: Vec<Figures> = runs.collect::<Result<_>>()?;
            let spread = |of: fn(&Figures) -> f64| Spread::of(runs.iter().map(of));
            let even = if play.rate == 1 { 5.0 } else { 3.0 };
            let soon = if play.rate == 1 { 500.0 } else { 200.0 };
            let again = (play.protocol == "tcp").then(|| spread(|run| run.again.0));
            let later = (play.protocol == "tcp").then(|| spread(|run| run.again.1));
            table.row([
                path.name().to_owned(),
                play.name(),
                play.rate.to_string(),
                play.connections.to_string(),
                cell(spread(|run| run.share), 3, Some(Target::AtLeast(0.97))),
                cell(spread(|run| run.variation), 1, Some(Target::AtMost(even))),
                cell(spread(|run| run.until_held), 0, Some(Target::AtMost(soon))),
                cell(again.flatten(), 0, None),
                cell(later.flatten(), 1, Some(Target::AtMost(1.0))),
            ]);
        }
        path.unmake()?;
    }
    Ok(
        Section::new("A limit on a process that is running at full speed")
            .table(&table)
            .remark(
                "Payload at the receiver in bins of 100 ms: 3 s, from a second after the limit holds. The \
             time until it is held is that from the start of the command to the end of the first bin \
             within a tenth of the rate. At most 1.01 of the rate is asked for. What is sent again is the \
             growth of `RetransSegs` where the sender is.",
            ),
    )
}

fn plays() -> impl Iterator<Item = Play> {
    let kinds = [
        ("tcp", Held::Sender),
        ("tcp", Held::Receiver),
        ("udp", Held::Sender),
        ("udp", Held::Receiver),
    ];
    kinds.into_iter().flat_map(|(protocol, held)| {
        let counts: &[u8] = if protocol == "tcp" { &[1, 8] } else { &[1] };
        let rates = RATES.into_iter();
        rates.flat_map(move |rate| {
            counts.iter().map(move |&connections| Play {
                protocol,
                held,
                rate,
                connections,
            })
        })
    })
}

impl Path {
    fn name(self) -> &'static str {
        match self {
            Self::Veth => "veth",
            Self::Delay => "20 ms",
        }
    }

    fn make(self) -> Result<()> {
        if self == Self::Veth {
            return Ok(());
        }
        for side in [Side::Near, Side::Far] {
            let words =
                format!("qdisc add dev {VETH} root netem delay 10ms rate 1gbit limit 20000");
            run(stage::command(side).arg("tc").args(words.split(' ')))?;
        }
        Ok(())
    }

    fn unmake(self) -> Result<()> {
        if self == Self::Veth {
            return Ok(());
        }
        for side in [Side::Near, Side::Far] {
            run(stage::command(side).args(["tc", "qdisc", "del", "dev", VETH, "root"]))?;
        }
        Ok(())
    }
}

impl Play {
    fn name(self) -> String {
        let direction = match self.held {
            Held::Sender => "up",
            Held::Receiver => "down",
        };
        format!("{} {direction}", self.protocol)
    }

    fn run(self, bench: &Bench) -> Result<Figures> {
        let address = format!("{}:5001", Side::Far.address());
        let mut sink = stage::command(Side::Far);
        sink.arg(&bench.programs.mover);
        let sink = Program::start(sink.args(["stream", "sink", self.protocol, &address]))?;
        sink.line()?;
        let mut source = stage::command(Side::Near);
        source.arg(&bench.programs.mover).args(["stream", "source"]);
        let connections = self.connections.to_string();
        source.args([self.protocol, &address, &connections, "60"]);
        let source = Program::start(&mut source)?;
        // It gets up to speed.
        thread::sleep(Duration::from_secs(1));
        let (pid, side) = match self.held {
            Held::Sender => (source.pid(), "--up"),
            Held::Receiver => (sink.pid(), "--down"),
        };
        caught_up(&sink)?;
        let sent_again = sent_again()?;
        let rate = format!("{}MB", self.rate);
        let limit = Program::start(Command::new(&bench.programs.tracer).args([
            "limit",
            "--json",
            "--pid",
            &pid.to_string(),
            side,
            &rate,
        ]))?;
        let asked = f64::from(self.rate) * 1e6;
        let mut waited = 1;
        while (bin(&sink)? / asked - 1.0).abs() > 0.1 {
            waited += 1;
            ensure!(waited < PATIENCE, "{self:?}: it is not held");
        }
        for _ in 0..FIRST_SECOND {
            bin(&sink)?;
        }
        let after_first = self::sent_again()?;
        let bins: Vec<f64> = (0..BINS).map(|_| bin(&sink)).collect::<Result<_>>()?;
        let later = self::sent_again()? - after_first;
        limit.interrupt()?;
        #[expect(clippy::cast_precision_loss, reason = "some bins")]
        let count = bins.len() as f64;
        let mean = bins.iter().sum::<f64>() / count;
        let variance = bins.iter().map(|bin| (bin - mean).powi(2)).sum::<f64>() / count;
        Ok(Figures {
            share: mean / asked,
            variation: variance.sqrt() / mean * 100.0,
            until_held: f64::from(u32::try_from(waited)?) * BIN.as_secs_f64() * 1e3,
            again: (
                after_first - sent_again,
                later / (count * BIN.as_secs_f64()),
            ),
        })
    }
}

/// Bytes per second in the next bin.
fn bin(sink: &Program) -> Result<f64> {
    let bytes: f64 = sink.line()?.trim().parse()?;
    Ok(bytes / BIN.as_secs_f64())
}

/// Passes over the bins that are over.
fn caught_up(sink: &Program) -> Result<()> {
    loop {
        let before = super::now();
        bin(sink)?;
        if before.elapsed() > BIN / 5 {
            return Ok(());
        }
    }
}

/// `RetransSegs` where the sender is.
fn sent_again() -> Result<f64> {
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

fn run(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    ensure!(status.success(), "`{command:?}`: {status}");
    Ok(())
}
