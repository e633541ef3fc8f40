//! How do other tools hold the same stream?

use anyhow::Result;

use super::close::{Before, Figures};
use super::peer::Peer;
use super::repeats;
use super::traffic::{Held, Play, Traffic, bystander, mean_and_deviation};
use crate::bench::spread::Spread;
use crate::bench::table::{Table, cell, none};
use crate::bench::{Bench, progress};

/// Bins in which a process is looked at that nobody wants to limit.
const BINS: usize = 20;

const UP: Play = Play {
    protocol: "tcp",
    held: Held::Sender,
    rate: 20,
    connections: 1,
};

const PLAYS: [Play; 3] = [
    UP,
    Play {
        connections: 8,
        ..UP
    },
    Play {
        held: Held::Receiver,
        ..UP
    },
];

/// What came of it.
struct Round {
    figures: Figures,
    /// MB/s of another process.
    other: f64,
}

/// The table, and what could not take part.
pub(super) fn measure(bench: &Bench) -> (Table, Vec<String>) {
    let mut table = Table::new(&[
        "tool",
        "what",
        "connections",
        "of the rate",
        "bins vary, %",
        "held after, ms",
        "sent again, s before",
        "1st s",
        "then, per s",
        "another process, MB/s",
    ]);
    let mut missing = Vec::new();
    for peer in Peer::ALL {
        if let Some(why) = peer.is_missing() {
            missing.push(why);
            continue;
        }
        for play in PLAYS {
            let heading = [
                peer.name().to_owned(),
                play.name(),
                play.connections.to_string(),
            ];
            if !peer.holds(play.held) {
                table.row(heading.into_iter().chain([(); 7].map(|()| none())));
                continue;
            }
            progress(&format!("{}: {play:?}", peer.name()));
            match rounds(bench, peer, play) {
                Ok(rounds) => table.row(heading.into_iter().chain(cells(peer, &rounds))),
                Err(error) => missing.push(format!(
                    "{}, {}, {} connections: {error:#}.",
                    peer.name(),
                    play.name(),
                    play.connections
                )),
            }
        }
    }
    (table, missing)
}

fn rounds(bench: &Bench, peer: Peer, play: Play) -> Result<Vec<Round>> {
    (0..repeats(bench))
        .map(|_| {
            let mut holding = peer.stream(bench, play)?;
            let before = Before::of(&holding.traffic)?;
            holding.hold()?;
            let round = measure_held(bench, &holding.traffic, play, &before);
            holding.end()?;
            round
        })
        .collect()
}

fn measure_held(bench: &Bench, traffic: &Traffic, play: Play, before: &Before) -> Result<Round> {
    let figures = Figures::of(traffic, play, before)?;
    let (other, _) = mean_and_deviation(&bystander(bench)?.bins(BINS)?);
    Ok(Round {
        figures,
        other: other / 1e6,
    })
}

fn cells(peer: Peer, rounds: &[Round]) -> [String; 7] {
    let spread = |of: fn(&Round) -> f64| Spread::of(rounds.iter().map(of));
    let until_held = spread(|round| round.figures.until_held);
    [
        cell(spread(|round| round.figures.share), 3, None),
        cell(spread(|round| round.figures.variation), 1, None),
        if peer.starts() {
            "must start it".to_owned()
        } else {
            cell(until_held, 0, None)
        },
        cell(spread(|round| round.figures.again.before), 0, None),
        cell(spread(|round| round.figures.again.first), 0, None),
        cell(spread(|round| round.figures.again.later), 1, None),
        cell(spread(|round| round.other), 0, None),
    ]
}
