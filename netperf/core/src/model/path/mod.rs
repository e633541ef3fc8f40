//! A path over many cycles: its hops, its destination, and why it was not reached.

mod figures;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
mod process;
mod told;

use std::net::IpAddr;
use std::time::Duration;

pub use self::figures::Figures;
pub use self::process::ProcessSide;
pub use self::told::{Loop, Told};
use crate::clock::{MonoNs, WallNs};
use crate::sample::path::{MtuReading, Outcome, PathCycle, PathTarget, Reply, Said, Unreachable};

/// Routers at one distance that are told apart; more are counted as those before.
const HOSTS_MAX: usize = 16;

/// A path and its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct PathModel {
    /// The host that the path leads to.
    pub target: PathTarget,
    /// Number of the latest cycle.
    pub cycle: u64,
    /// When it was over.
    pub wall: WallNs,
    /// The destination, wherever it is.
    pub destination: Figures,
    /// Whether it has been found to refuse what it was sent.
    pub is_refused: bool,
    /// Why the latest cycle did not reach the destination: the latest reason that a router gave, or
    /// silence.
    pub missed: Option<Missed>,
    /// The largest packet that passes, or why that is not known.
    pub mtu: Option<Result<MtuReading, String>>,
    /// Between the ends of the latest two cycles.
    pub interval: Option<Duration>,
    at: Option<MonoNs>,
    hops: Vec<Hop>,
    distance: Option<usize>,
    told: Vec<Told>,
    /// Who ended the TTL at which distance, since the destination last answered.
    turns: Vec<Option<IpAddr>>,
}

/// What is at one distance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hop {
    /// Who answered, and how often; who came first is first.
    pub hosts: Vec<(IpAddr, u64)>,
    /// Of all that answered.
    pub figures: Figures,
    /// What the latest answer said, if it ended the way before the destination.
    pub stopped: Option<Said>,
    /// Whether something other than the destination has answered here.
    is_router: bool,
}

/// Why a cycle did not reach the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missed {
    /// A router said that it goes no further.
    Reported {
        /// The router that sent the reason.
        by: IpAddr,
        /// The reason.
        why: Unreachable,
    },
    /// A router said that the packet is too large.
    TooBig {
        /// The router that sent the message.
        by: IpAddr,
        /// The MTU of its next link.
        mtu: Option<u32>,
    },
    /// This machine did not send the probes.
    NotSent(String),
    /// No answer from there on.
    Silence,
    /// Routers answer at every distance that was tried.
    TooFar,
}

impl Missed {
    /// The router that said so.
    pub fn by(&self) -> Option<IpAddr> {
        match self {
            Self::Reported { by, .. } | Self::TooBig { by, .. } => Some(*by),
            Self::NotSent(_) | Self::Silence | Self::TooFar => None,
        }
    }
}

impl PathModel {
    /// A path that has not been probed yet.
    pub fn new(target: PathTarget) -> Self {
        Self {
            target,
            cycle: 0,
            wall: WallNs(0),
            destination: Figures::default(),
            is_refused: false,
            missed: None,
            mtu: None,
            interval: None,
            at: None,
            hops: Vec::new(),
            distance: None,
            told: Vec::new(),
            turns: Vec::new(),
        }
    }

    /// Takes in a cycle.
    pub fn advance(&mut self, cycle: &PathCycle) {
        (self.cycle, self.wall) = (cycle.cycle, cycle.wall);
        self.interval = self.at.and_then(|before| cycle.at.since(before));
        self.at = Some(cycle.at);
        if self.hops.len() < cycle.probes.len() {
            self.hops.resize(cycle.probes.len(), Hop::default());
        }
        for (hop, outcome) in self.hops.iter_mut().zip(&cycle.probes) {
            hop.add(outcome);
        }
        let missed = missed(cycle);
        // Who has said why once is believed while nobody says otherwise.
        if missed != Some(Missed::Silence) || self.missed.is_none() {
            self.missed.clone_from(&missed);
        }
        self.take_turns(cycle);
        match reply_of_destination(cycle) {
            Some((at, reply)) => self.reached(at, reply),
            None => self.not_reached(cycle, missed),
        }
    }

    /// Takes in what is known of the largest packet.
    pub fn take_mtu(&mut self, mtu: Result<MtuReading, String>) {
        self.mtu = Some(mtu);
    }

    /// The hops up to the destination, or up to the last that ever answered.
    pub fn hops(&self) -> &[Hop] {
        let answered = self.hops.iter().rposition(|hop| !hop.hosts.is_empty());
        let shown = self.distance.or(answered.map(|last| last + 1)).unwrap_or(0);
        &self.hops[..shown.min(self.hops.len())]
    }

    /// How many hops away the destination is, if it was ever reached.
    pub fn distance(&self) -> Option<usize> {
        self.distance
    }

    fn reached(&mut self, at: usize, reply: Reply) {
        let is_nearer = self.distance.is_some_and(|known| at + 1 < known);
        self.is_refused = reply.said == Said::Refused;
        self.turns.clear();
        let hop = &self.hops[at];
        if is_nearer && !hop.is_router {
            // It was here all the time: probes that went further were answered when this one was lost.
            self.destination = hop.figures.clone();
        } else {
            self.destination.add(Some(reply.rtt_us));
        }
        self.distance = Some(at + 1);
    }

    fn not_reached(&mut self, cycle: &PathCycle, why: Option<Missed>) {
        match why {
            // What was not sent, or not far enough, is not lost.
            Some(Missed::NotSent(_)) => return,
            // The destination was nearer before: packets go round now, or far astray.
            Some(Missed::TooFar) if self.distance.is_none() => return,
            Some(Missed::TooFar) => {}
            _ if self.distance.is_some() && is_too_short(cycle) => return,
            Some(why @ (Missed::Reported { .. } | Missed::TooBig { .. })) => self.count_told(why),
            Some(Missed::Silence) | None => {}
        }
        self.destination.add(None);
    }
}

impl Hop {
    /// Whether anything has ever answered here.
    pub fn is_silent(&self) -> bool {
        self.hosts.is_empty()
    }

    fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Answered(reply) => {
                self.figures.add(Some(reply.rtt_us));
                self.met(reply.from);
                self.is_router |= !reply.said.is_destination();
                let stops = reply.said.ends_way() && !reply.said.is_destination();
                self.stopped = stops.then_some(reply.said);
            }
            Outcome::Lost => self.figures.add(None),
            Outcome::NotSent(_) => {}
        }
    }

    fn met(&mut self, address: IpAddr) {
        if let Some((_, times)) = self.hosts.iter_mut().find(|(known, _)| *known == address) {
            *times += 1;
        } else if self.hosts.len() < HOSTS_MAX {
            self.hosts.push((address, 1));
        }
    }
}

fn reply_of_destination(cycle: &PathCycle) -> Option<(usize, Reply)> {
    cycle
        .probes
        .iter()
        .enumerate()
        .find_map(|(at, outcome)| match outcome {
            Outcome::Answered(reply) if reply.said.is_destination() => Some((at, *reply)),
            Outcome::Answered(_) | Outcome::Lost | Outcome::NotSent(_) => None,
        })
}

/// The way has become longer than the probes went.
fn is_too_short(cycle: &PathCycle) -> bool {
    matches!(cycle.probes.last(), Some(Outcome::Answered(reply)) if reply.said == Said::Expired)
}

fn missed(cycle: &PathCycle) -> Option<Missed> {
    match cycle.probes.last()? {
        Outcome::Answered(reply) => match reply.said {
            Said::Reached | Said::Refused => None,
            Said::Unreachable(why) => Some(Missed::Reported {
                by: reply.from,
                why,
            }),
            Said::TooBig(mtu) => Some(Missed::TooBig {
                by: reply.from,
                mtu,
            }),
            Said::Expired if cycle.is_exhausted => Some(Missed::TooFar),
            Said::Expired => Some(Missed::Silence),
        },
        Outcome::NotSent(why) => Some(Missed::NotSent(why.clone())),
        Outcome::Lost => Some(Missed::Silence),
    }
}

#[cfg(test)]
mod tests;
