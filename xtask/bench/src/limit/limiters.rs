//! Other tools that limit the same stream.

use anyhow::Result;

use super::limiter::Limiter;
use super::precision::{Before, Figures};
use super::repeats;
use super::traffic::{Case, LimitedEnd, Traffic, bystander, mean_and_deviation};
use crate::spread::Spread;
use crate::table::{Table, cell, none};
use crate::{Bench, progress};

/// Bins in which the rate of an unlimited process is measured.
const BINS: usize = 20;

const UP: Case = Case {
    protocol: "tcp",
    held: LimitedEnd::Sender,
    rate: 20,
    connections: 1,
};

const CASES: [Case; 3] = [
    UP,
    Case {
        connections: 8,
        ..UP
    },
    Case {
        held: LimitedEnd::Receiver,
        ..UP
    },
];

/// Result of one run.
struct Round {
    figures: Figures,
    /// MB/s of another process.
    other: f64,
}

/// The table, and why some tools are not in it.
pub(super) fn measure(bench: &Bench) -> (Table, Vec<String>) {
    let mut table = Table::new(&[
        "tool",
        "what",
        "connections",
        "of the limit",
        "bins vary, %",
        "reached after, ms",
        "retransmitted, s before",
        "1st s",
        "then, per s",
        "another process, MB/s",
    ]);
    let mut missing = Vec::new();
    for limiter in Limiter::ALL {
        if let Some(why) = limiter.is_missing() {
            missing.push(why);
            continue;
        }
        for case in CASES {
            let heading = [
                limiter.name().to_owned(),
                case.name(),
                case.connections.to_string(),
            ];
            if !limiter.holds(case.held) {
                table.row(heading.into_iter().chain([(); 7].map(|()| none())));
                continue;
            }
            progress(&format!("{}: {case:?}", limiter.name()));
            match rounds(bench, limiter, case) {
                Ok(rounds) => table.row(heading.into_iter().chain(cells(limiter, &rounds))),
                Err(error) => missing.push(format!(
                    "{}, {}, {} connections: {error:#}.",
                    limiter.name(),
                    case.name(),
                    case.connections
                )),
            }
        }
    }
    (table, missing)
}

fn rounds(bench: &Bench, limiter: Limiter, case: Case) -> Result<Vec<Round>> {
    (0..repeats(bench))
        .map(|_| {
            let mut holding = limiter.stream(bench, case)?;
            let before = Before::of(&holding.traffic)?;
            holding.hold()?;
            let round = measure_held(bench, &holding.traffic, case, &before);
            holding.end()?;
            round
        })
        .collect()
}

fn measure_held(bench: &Bench, traffic: &Traffic, case: Case, before: &Before) -> Result<Round> {
    let figures = Figures::of(traffic, case, before)?;
    let (other, _) = mean_and_deviation(&bystander(bench)?.bins(BINS)?);
    Ok(Round {
        figures,
        other: other / 1e6,
    })
}

fn cells(limiter: Limiter, rounds: &[Round]) -> [String; 7] {
    let spread = |of: fn(&Round) -> f64| Spread::of(rounds.iter().map(of));
    let until_reached = spread(|round| round.figures.until_reached);
    [
        cell(spread(|round| round.figures.share), 3, None),
        cell(spread(|round| round.figures.variation), 1, None),
        if limiter.starts() {
            "must start it".to_owned()
        } else {
            cell(until_reached, 0, None)
        },
        cell(spread(|round| round.figures.again.before), 0, None),
        cell(spread(|round| round.figures.again.first), 0, None),
        cell(spread(|round| round.figures.again.later), 1, None),
        cell(spread(|round| round.other), 0, None),
    ]
}
