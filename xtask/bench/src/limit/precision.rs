//! How close does a limited stream come to its rate, and how evenly?

use std::process::Command;

use anyhow::Result;

use super::traffic::{BIN, Case, LimitedEnd, Traffic, limit, mean_and_deviation, sent_again};
use crate::netns::{self, Side, VETH};
use crate::process::Process;
use crate::spread::Spread;
use crate::table::{Table, Target, cell};
use crate::{Bench, progress};

/// Bins that are compared with the rate, after those of the first second.
pub(super) const BINS: usize = 30;
pub(super) const FIRST_SECOND: usize = 10;

/// Rates of the limits, in MB/s.
const RATES: [u32; 3] = [1, 20, 100];

/// A run is repeated when the hypervisor took a larger share of the CPU time, up to this number of runs.
const STOLEN_MAX: f64 = 0.02;
const ATTEMPTS: usize = 3;

/// Delay and rate of the long path, in each direction: 1 Gbit/s.
const ONE_WAY_MS: &str = "10";
const BYTES_PER_S: u32 = 125_000_000;

/// Rate of datagrams on it: just below its own, as datagrams that it must drop would keep the relay from its
/// work.
const DATAGRAMS_PER_S: f64 = 120e6;

/// The path between both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Veth,
    /// A round trip of 20 ms, and a bottleneck of 1 Gbit/s.
    Delay,
}

/// Figures of a limited stream.
pub(super) struct Figures {
    /// Goodput as a share of the limit.
    pub(super) share: f64,
    /// Standard deviation of the bins, in percent of their mean.
    pub(super) variation: f64,
    /// Milliseconds from the command to the first tenth of a second within a tenth of the rate; infinite if there is
    /// none.
    pub(super) until_reached: f64,
    pub(super) again: Retransmissions,
    /// Share of the CPU time that the hypervisor took.
    stolen: f64,
}

/// Retransmitted segments.
pub(super) struct Retransmissions {
    /// In the second before the limit.
    pub(super) before: f64,
    /// From then until a second after the rate is reached.
    pub(super) first: f64,
    /// Each second after.
    pub(super) later: f64,
}

/// Each kind of stream at each rate, over each path. Also returns why some paths are missing.
pub(super) fn measure(bench: &Bench) -> Result<(Table, Vec<String>)> {
    measure_all(bench, &[Path::Veth, Path::Delay], &cases())
}

/// Hundreds of connections that share a rate.
pub(super) fn measure_many(bench: &Bench) -> Result<(Table, Vec<String>)> {
    let cases = [LimitedEnd::Sender, LimitedEnd::Receiver].map(|held| Case {
        protocol: "tcp",
        held,
        rate: 10,
        connections: 200,
    });
    measure_all(bench, &[Path::Veth], &cases)
}

/// Measures each row several times.
fn measure_all(bench: &Bench, paths: &[Path], cases: &[Case]) -> Result<(Table, Vec<String>)> {
    let mut table = Table::new(&[
        "path",
        "what",
        "MB/s",
        "connections",
        "of the limit",
        "bins vary, %",
        "reached after, ms",
        "retransmitted, s before",
        "1st s",
        "then, per s",
    ]);
    let mut missing = Vec::new();
    for &path in paths {
        let way = match path.make(bench) {
            Ok(way) => way,
            Err(error) => {
                missing.push(format!("No path of {} here: {error:#}.", path.name()));
                continue;
            }
        };
        for &case in cases {
            progress(&format!("limit, {}: {case:?}", path.name()));
            let runs = (0..super::repeats(bench)).map(|_| undisturbed(bench, path, case));
            let runs: Vec<Figures> = runs.collect::<Result<_>>()?;
            let spread = |of: fn(&Figures) -> f64| Spread::of(runs.iter().map(of));
            let even = if case.rate == 1 { 5.0 } else { 3.0 };
            let soon = if case.rate == 1 { 500.0 } else { 200.0 };
            let most_again = if case.held == LimitedEnd::Sender {
                0.0
            } else {
                1.0
            };
            let again = |of| (case.protocol == "tcp").then(|| spread(of)).flatten();
            table.row([
                path.name().to_owned(),
                case.name(),
                case.rate.to_string(),
                case.connections.to_string(),
                cell(spread(|run| run.share), 3, Some(Target::Within(0.97, 1.01))),
                cell(spread(|run| run.variation), 1, Some(Target::AtMost(even))),
                cell(
                    spread(|run| run.until_reached),
                    0,
                    Some(Target::AtMost(soon)),
                ),
                cell(again(|run| run.again.before), 0, None),
                cell(again(|run| run.again.first), 0, None),
                cell(
                    again(|run| run.again.later),
                    1,
                    Some(Target::AtMost(most_again)),
                ),
            ]);
        }
        way.map(Way::end).transpose()?;
    }
    Ok((table, missing))
}

fn cases() -> Vec<Case> {
    let kinds = [
        ("tcp", LimitedEnd::Sender),
        ("tcp", LimitedEnd::Receiver),
        ("udp", LimitedEnd::Sender),
        ("udp", LimitedEnd::Receiver),
    ];
    let cases = kinds.into_iter().flat_map(|(protocol, held)| {
        RATES.into_iter().flat_map(move |rate| {
            [1, 8].map(|connections| Case {
                protocol,
                held,
                rate,
                connections,
            })
        })
    });
    cases.collect()
}

/// Repeats a run until the hypervisor took next to nothing, or returns the best of several.
fn undisturbed(bench: &Bench, path: Path, case: Case) -> Result<Figures> {
    let mut best = held(bench, path, case)?;
    for _ in 1..ATTEMPTS {
        if best.stolen <= STOLEN_MAX {
            break;
        }
        let again = held(bench, path, case)?;
        if again.stolen < best.stolen {
            best = again;
        }
    }
    Ok(best)
}

fn held(bench: &Bench, path: Path, case: Case) -> Result<Figures> {
    let what = (case.protocol, super::PORT, case.connections);
    let is_paced = path == Path::Delay && case.protocol == "udp";
    let pace = is_paced.then(|| DATAGRAMS_PER_S / f64::from(case.connections));
    let traffic = Traffic::start(bench, what, pace)?;
    let before = Before::of(&traffic)?;
    let limit = limit(bench, &traffic, case)?;
    let figures = Figures::of(&traffic, case, &before)?;
    limit.interrupt()?;
    Ok(figures)
}

/// Retransmissions of a stream before the limit.
pub(super) struct Before {
    in_a_second: f64,
    all: f64,
}

impl Before {
    /// Counts for a second.
    pub(super) fn of(traffic: &Traffic) -> Result<Self> {
        let from = sent_again()?;
        traffic.bins(FIRST_SECOND)?;
        let all = sent_again()?;
        traffic.catch_up()?;
        Ok(Self {
            in_a_second: all - from,
            all,
        })
    }
}

impl Figures {
    /// Figures of a stream whose limit starts now.
    pub(super) fn of(traffic: &Traffic, case: Case, before: &Before) -> Result<Self> {
        let limit = case.limit_bytes_per_s();
        let until_reached = traffic.until_or_never(|bin| (bin / limit - 1.0).abs() <= 0.1)?;
        traffic.bins(FIRST_SECOND)?;
        let after_first = sent_again()?;
        let (bins, left) = traffic.bins_and_share_left(BINS)?;
        let later = sent_again()? - after_first;
        let (mean, deviation) = mean_and_deviation(&bins);
        #[expect(clippy::cast_precision_loss, reason = "some bins")]
        let seconds = bins.len() as f64 * BIN.as_secs_f64();
        Ok(Self {
            share: mean / limit,
            variation: deviation / mean * 100.0,
            until_reached,
            again: Retransmissions {
                before: before.in_a_second,
                first: after_first - before.all,
                later: later / seconds,
            },
            stolen: 1.0 - left,
        })
    }
}

impl Path {
    fn name(self) -> &'static str {
        match self {
            Self::Veth => "veth",
            Self::Delay => "20 ms",
        }
    }

    fn make(self, bench: &Bench) -> Result<Option<Way>> {
        match self {
            Self::Veth => Ok(None),
            Self::Delay => Way::begin(bench).map(Some),
        }
    }
}

/// A slow path between both sides, in place of the veth pair: a relay in user space, as the kernel may lack netem.
struct Way(Process);

impl Way {
    const NAME: &str = "way";

    fn begin(bench: &Bench) -> Result<Self> {
        let mover = &bench.programs.mover;
        let (near, far) = (Side::Near.namespace(), Side::Far.namespace());
        let mut command = Command::new(mover);
        command.args(["way", near, far, Self::NAME, ONE_WAY_MS]);
        command.arg(BYTES_PER_S.to_string());
        let way = Process::start(&mut command)?;
        way.line()?;
        netns::move_addresses(VETH, Self::NAME)?;
        Ok(Self(way))
    }

    fn end(self) -> Result<()> {
        netns::move_addresses(Self::NAME, VETH)?;
        drop(self.0);
        Ok(())
    }
}
