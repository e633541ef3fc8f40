//! What do routers say about the probes that they do not pass on, and do they pass them round in a circle?

use std::net::IpAddr;

use super::{Missed, PathModel};
use crate::sample::path::{Outcome, PathCycle, Said};

/// A message of a router that kept probes from the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What was said, and by whom.
    pub why: Missed,
    /// Of how many probes to the destination.
    pub times: u64,
}

/// Routers that pass packets round in a circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loop {
    /// Distance of the first of them.
    pub from: usize,
    /// Those that answered, in the order of the way.
    pub routers: Vec<IpAddr>,
}

/// Different messages that are told apart.
const TOLD_MAX: usize = 16;

impl PathModel {
    /// Probes to the destination that a router sent back with a message; the others that it did not
    /// answer were lost without a word.
    pub fn told(&self) -> &[Told] {
        &self.told
    }

    /// How many probes to the destination these are.
    pub fn told_times(&self) -> u64 {
        self.told.iter().map(|told| told.times).sum()
    }

    /// The routers that packets go round between, if they do since the destination last answered.
    pub fn circle(&self) -> Option<Loop> {
        circle(&self.turns)
    }

    pub(super) fn count_told(&mut self, why: Missed) {
        if let Some(told) = self.told.iter_mut().find(|told| told.why == why) {
            told.times += 1;
        } else if self.told.len() < TOLD_MAX {
            self.told.push(Told { why, times: 1 });
        }
    }

    /// Takes in who ended the TTL at which distance.
    pub(super) fn take_turns(&mut self, cycle: &PathCycle) {
        if self.turns.len() < cycle.probes.len() {
            self.turns.resize(cycle.probes.len(), None);
        }
        for (turn, outcome) in self.turns.iter_mut().zip(&cycle.probes) {
            match outcome {
                Outcome::Answered(reply) if reply.said == Said::Expired => *turn = Some(reply.from),
                Outcome::Answered(_) | Outcome::Lost | Outcome::NotSent(_) => {}
            }
        }
    }
}

/// The shortest period with which the same addresses come again. One address that comes twice may be a
/// way that changed: two pairs are needed. Neighbours that are the same are one router that passes on
/// what it should not.
fn circle(turns: &[Option<IpAddr>]) -> Option<Loop> {
    const PAIRS: usize = 2;
    (2..turns.len()).find_map(|period| {
        let pairs = |from: usize| {
            let behind = turns.iter().skip(from + period);
            turns
                .iter()
                .skip(from)
                .zip(behind)
                .filter_map(|pair| match pair {
                    (Some(one), Some(again)) => Some(one == again),
                    _ => None,
                })
        };
        let from = (0..turns.len() - period)
            .find(|&from| turns[from].is_some() && turns[from] == turns[from + period])?;
        let is_circle = pairs(from).all(|is_same| is_same) && pairs(from).count() >= PAIRS;
        let is_one = |pair: &[Option<IpAddr>]| pair[0].is_some() && pair[0] == pair[1];
        let has_neighbours = turns[from..].windows(2).any(is_one);
        let mut routers = Vec::new();
        for router in turns.iter().skip(from).flatten() {
            if !routers.contains(router) {
                routers.push(*router);
            }
        }
        (is_circle && !has_neighbours && routers.len() <= period).then(|| Loop {
            from: from + 1,
            routers,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(way: &str) -> Option<(usize, usize)> {
        let turn = |word: &str| {
            word.parse::<u8>()
                .ok()
                .map(|it| IpAddr::from([10, 0, 0, it]))
        };
        let turns: Vec<_> = way.split(' ').map(turn).collect();
        circle(&turns).map(|it| (it.from, it.routers.len()))
    }

    #[test]
    fn routers_that_come_again_in_their_order_are_a_circle() {
        assert_eq!(found("1 2 1 2 1 2"), Some((1, 2)));
        assert_eq!(found("9 1 2 3 1 2 3"), Some((2, 3)));
        assert_eq!(found("9 - 1 2 - 2 1 - 1 -"), Some((4, 2)));
        // One of the two never answers.
        assert_eq!(found("9 1 - 1 - 1"), Some((2, 1)));
        // Each answers from the side that the packet came by.
        assert_eq!(found("8 2 1 2 1 2"), Some((2, 2)));
    }

    #[test]
    fn a_way_that_changed_or_a_router_that_answers_twice_is_none() {
        assert_eq!(found("1 2 3 4 - -"), None);
        assert_eq!(found("1 2 2 3"), None);
        assert_eq!(found("1 2 3 2 4"), None);
        assert_eq!(found("1 1 - -"), None);
        assert_eq!(found("1 1 1 1"), None);
        assert_eq!(found("- - -"), None);
    }
}
