//! What does a limit cost other processes, and how soon does a change take effect?

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::traffic::{BIN, Case, LimitedEnd, Traffic, bystander, limit, mean_and_deviation};
use super::{PORT, repeats};
use crate::cpu_times::{CpuTimes, Cpus};
use crate::netns::{self, Side};
use crate::process::Process;
use crate::spread::Spread;
use crate::table::{Table, Target, cell, none};
use crate::{Bench, progress};

/// Bins over which other processes and CPUs are measured.
const BINS: usize = 50;

/// Bins of a turn, and turns of each kind in a repeat, for figures that vary.
const TURN_BINS: usize = 5;
const TURNS: usize = 24;

/// A limited stream beside other processes.
const MODEST: Case = Case {
    protocol: "tcp",
    held: LimitedEnd::Sender,
    rate: 20,
    connections: 1,
};

/// A limited stream whose CPU time is measured.
const FAST: Case = Case {
    rate: 100,
    ..MODEST
};

/// What limits a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pacing {
    Kernel,
    Limit,
}

/// A stream with a rate, and the limit if there is one.
struct PacedStream {
    traffic: Traffic,
    limit: Option<Process>,
}

impl PacedStream {
    fn start(bench: &Bench, case: Case, pacing: Pacing) -> Result<Self> {
        let pace = (pacing == Pacing::Kernel).then(|| case.limit_bytes_per_s());
        let traffic = Traffic::start(bench, (case.protocol, PORT, case.connections), pace)?;
        let limited = (pacing == Pacing::Limit).then(|| limit(bench, &traffic, case));
        let limit = limited.transpose()?;
        let rate = case.limit_bytes_per_s();
        traffic.until(|bin| (bin / rate - 1.0).abs() <= 0.1)?;
        traffic.bins(10)?;
        Ok(Self { traffic, limit })
    }

    fn end(self) -> Result<()> {
        self.limit.map(Process::interrupt).transpose()?;
        Ok(())
    }
}

/// The figure with the kernel's pacing, and with a limit.
type Pair = (f64, f64);

/// Measures everything in this module.
pub(super) fn measure(bench: &Bench) -> Result<Table> {
    let mut table = Table::new(&["what", "without", "with a limit", "compared"]);
    taken(bench, &mut table)?;
    obeyed(bench, &mut table)?;
    Ok(table)
}

/// What a limit costs.
fn taken(bench: &Bench, table: &mut Table) -> Result<()> {
    let both = |what: &str, of: fn(&Bench, Pacing) -> Result<f64>| -> Result<Vec<Pair>> {
        (0..repeats(bench))
            .map(|_| {
                progress(&format!("limit, {what}"));
                Ok((of(bench, Pacing::Kernel)?, of(bench, Pacing::Limit)?))
            })
            .collect()
    };
    let mut row = |what: &str, pairs: &[Pair], digits, compared: String| {
        table.row([
            what.to_owned(),
            cell(Spread::of(pairs.iter().map(|pair| pair.0)), digits, None),
            cell(Spread::of(pairs.iter().map(|pair| pair.1)), digits, None),
            compared,
        ]);
    };
    let ratio = |pairs: &[Pair]| Spread::of(pairs.iter().map(|pair| pair.1 / pair.0));
    let more = |pairs: &[Pair]| Spread::of(pairs.iter().map(|pair| pair.1 - pair.0));
    let what = "a bystander beside 20 MB/s, MB/s";
    let rates = throughput(bench)?;
    let compared = cell(ratio(&rates), 3, Some(Target::AtLeast(0.98)));
    row(what, &rates, 0, compared);
    let what = "its round trips, p99, µs";
    let waits = both(what, round_trip)?;
    let compared = cell(more(&waits), 0, Some(Target::AtMost(300.0)));
    row(what, &waits, 0, compared);
    let what = "CPU at 100 MB/s, % of a core";
    let cpus = both(what, busy)?;
    let compared = cell(more(&cpus), 1, Some(Target::AtMost(5.0)));
    row(what, &cpus, 1, compared);
    Ok(())
}

/// How soon a change takes effect.
fn obeyed(bench: &Bench, table: &mut Table) -> Result<()> {
    let changes = (0..repeats(bench)).map(|_| changed(bench));
    let changes: Vec<Change> = changes.collect::<Result<_>>()?;
    let spread = |of: fn(&Change) -> f64| Spread::of(changes.iter().map(of));
    for (what, after, most) in [
        (
            "from 20 to 5 MB/s after, ms",
            spread(|change| change.lower),
            300.0,
        ),
        (
            "and to 50 MB/s after, ms",
            spread(|change| change.higher),
            300.0,
        ),
        (
            "lifted: full speed after, ms",
            spread(|change| change.lifted),
            500.0,
        ),
    ] {
        let text = cell(after, 0, Some(Target::AtMost(most)));
        table.row([what.to_owned(), none(), text, none()]);
    }
    Ok(())
}

/// MB/s of another process, beside one that sends a little more than its limit, without and with the limit in
/// turn. Time that the hypervisor took does not count.
fn throughput(bench: &Bench) -> Result<Vec<Pair>> {
    progress("limit, a bystander");
    let pace = Some(MODEST.limit_bytes_per_s() * 1.1);
    let modest = Traffic::start(bench, (MODEST.protocol, PORT, MODEST.connections), pace)?;
    let other = bystander(bench)?;
    let rate = || -> Result<f64> {
        other.catch_up()?;
        let (bins, left) = other.bins_and_share_left(TURN_BINS)?;
        Ok(mean_and_deviation(&bins).0 / 1e6 / left)
    };
    let pair = || -> Result<Pair> {
        let without = rate()?;
        let limit = limit(bench, &modest, MODEST)?;
        // It has begun; what its start takes is over soon.
        limit.line()?;
        other.bins(TURN_BINS)?;
        let with = rate()?;
        limit.interrupt()?;
        Ok((without, with))
    };
    let repeat = || -> Result<Pair> {
        let pairs: Vec<Pair> = (0..TURNS).map(|_| pair()).collect::<Result<_>>()?;
        let (without, with): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        Ok((mean_and_deviation(&without).0, mean_and_deviation(&with).0))
    };
    (0..repeats(bench)).map(|_| repeat()).collect()
}

/// The 99th percentile of another process's round trips, in microseconds.
fn round_trip(bench: &Bench, pacing: Pacing) -> Result<f64> {
    let kept = PacedStream::start(bench, MODEST, pacing)?;
    let load = &bench.programs.load;
    let mut serve = netns::command(Side::Far);
    serve.arg(load).args(["serve", "rr", "--bind"]);
    let serving = Process::start(serve.arg(Side::Far.address().to_string()))?;
    let address = serving.line()?;
    let mut drive = netns::command(Side::Near);
    drive.arg(load).args(["drive", "rr", address.trim()]);
    let asking = Process::start(drive.args(["--seconds", "5", "--times"]))?;
    let lines = asking.finish()?;
    serving.finish()?;
    kept.end()?;
    let report: Value = serde_json::from_str(lines.last().context("no report")?)?;
    report["p99_us"].as_f64().context("no time")
}

/// CPU time of the whole machine, in percent of a core.
fn busy(bench: &Bench, pacing: Pacing) -> Result<f64> {
    let kept = PacedStream::start(bench, FAST, pacing)?;
    let before = CpuTimes::now(Cpus::All)?;
    let bins = kept.traffic.bins(BINS)?;
    let after = CpuTimes::now(Cpus::All)?;
    let (mean, _) = mean_and_deviation(&bins);
    ensure!(
        mean / FAST.limit_bytes_per_s() > 0.95,
        "only {mean:.0} bytes per second"
    );
    kept.end()?;
    Ok(after.busy_since(before) / (BIN.as_secs_f64() * f64::from(u32::try_from(BINS)?)) * 100.0)
}

/// Milliseconds until a change took effect.
struct Change {
    lower: f64,
    higher: f64,
    lifted: f64,
}

/// Reads the id of a limit from its first tick.
fn number(limit: &Process) -> Result<u64> {
    loop {
        let record: Value = serde_json::from_str(&limit.line()?)?;
        if record["type"] == "limit" {
            return record["id"].as_u64().context("a limit without a number");
        }
    }
}

fn changed(bench: &Bench) -> Result<Change> {
    progress("limit, changes");
    let traffic = Traffic::start(bench, (MODEST.protocol, PORT, 1), None)?;
    let (free, _) = mean_and_deviation(&traffic.bins(10)?);
    let limit = limit(bench, &traffic, MODEST)?;
    let id = number(&limit)?;
    traffic.until(|bin| (bin / MODEST.limit_bytes_per_s() - 1.0).abs() <= 0.1)?;
    traffic.bins(10)?;
    let set = |rate: u32| -> Result<f64> {
        let words = ["limit", "set", "--id"];
        let mut set = Command::new(&bench.programs.tracer);
        set.args(words).args([id.to_string(), format!("{rate}MB")]);
        let set = Process::start(&mut set)?;
        let took = traffic.until(|bin| (bin / f64::from(rate) / 1e6 - 1.0).abs() <= 0.1)?;
        set.finish()?;
        traffic.bins(10)?;
        Ok(took)
    };
    let (lower, higher) = (set(5)?, set(50)?);
    traffic.catch_up()?;
    limit.interrupt()?;
    let lifted = traffic.until(|bin| bin > 0.8 * free)?;
    Ok(Change {
        lower,
        higher,
        lifted,
    })
}
