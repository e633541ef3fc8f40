//! How close does `limit` come to the rate that is asked for, and how evenly?

use anyhow::Result;

use super::traffic::{BIN, Held, Play, Traffic, limit, mean_and_deviation, run, sent_again};
use crate::bench::spread::Spread;
use crate::bench::stage::{self, Side, VETH};
use crate::bench::table::{Table, Target, cell};
use crate::bench::{Bench, progress};

/// Bins that are held against the rate, after those of the first second.
pub(super) const BINS: usize = 30;
pub(super) const FIRST_SECOND: usize = 10;

/// Asked for, in MB/s.
const RATES: [u32; 3] = [1, 20, 100];

/// What connects both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Veth,
    /// A round trip of 20 ms, and a bottleneck of 1 Gbit/s.
    Delay,
}

/// What came of a stream that is held.
pub(super) struct Figures {
    /// Goodput as a share of the rate that was asked for.
    pub(super) share: f64,
    /// Standard deviation of the bins, in percent of their mean.
    pub(super) variation: f64,
    /// Milliseconds from the command to the first bin within a tenth of the rate.
    pub(super) until_held: f64,
    /// Segments sent again in the first second, and each second after.
    pub(super) again: (f64, f64),
}

/// Plays each row several times, one after the other. Gives what could not be played, too.
pub(super) fn measure(bench: &Bench) -> Result<(Table, Vec<String>)> {
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
    let mut missing = Vec::new();
    for path in [Path::Veth, Path::Delay] {
        if let Err(error) = path.make() {
            missing.push(format!("No path of {} here: {error:#}.", path.name()));
            continue;
        }
        for play in plays() {
            progress(&format!("limit, {}: {play:?}", path.name()));
            let runs = (0..super::repeats(bench)).map(|_| held(bench, play));
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
    Ok((table, missing))
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

fn held(bench: &Bench, play: Play) -> Result<Figures> {
    let what = (play.protocol, super::PORT, play.connections);
    let traffic = Traffic::start(bench, what, None)?;
    let before = sent_again()?;
    let limit = limit(bench, &traffic, play)?;
    let figures = Figures::of(&traffic, play, before)?;
    limit.interrupt()?;
    Ok(figures)
}

impl Figures {
    /// Of a stream on which a limit begins now; `before` is what had been sent again.
    pub(super) fn of(traffic: &Traffic, play: Play, before: f64) -> Result<Self> {
        let asked = play.asked();
        let until_held = traffic.until(|bin| (bin / asked - 1.0).abs() <= 0.1)?;
        traffic.bins(FIRST_SECOND)?;
        let after_first = sent_again()?;
        let bins = traffic.bins(BINS)?;
        let later = sent_again()? - after_first;
        let (mean, deviation) = mean_and_deviation(&bins);
        #[expect(clippy::cast_precision_loss, reason = "some bins")]
        let seconds = bins.len() as f64 * BIN.as_secs_f64();
        Ok(Self {
            share: mean / asked,
            variation: deviation / mean * 100.0,
            until_held,
            again: (after_first - before, later / seconds),
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
