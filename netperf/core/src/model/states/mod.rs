//! What became of the sockets between two looks? Counts by state, owner and destination, ages.
//!
//! Of the look before only its counts are kept, and of each socket that ends slowly since when it is
//! in its state.

pub mod ages;
pub mod census;
pub mod counts;
pub mod figures;
pub mod ports;
pub mod refused;

#[cfg(test)]
mod tests;

use std::time::Duration;

use self::ages::Ages;
use self::census::Census;
use self::refused::Refusals;
use crate::clock::{MonoNs, WallNs};
use crate::sample::network::NetworkReading;
use crate::sample::socket::{SocketReading, SocketSample, Unseen};

/// A session of looks at the sockets after its latest look.
#[derive(Clone, Debug, Default)]
pub struct StatesModel {
    /// The latest look.
    pub now: Look,
    /// The one before, and how long ago it was.
    pub before: Option<(Duration, Look)>,
    /// What was refused since the start.
    pub refused: Refusals,
    ages: Ages,
}

/// What is kept of a look.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// When it was taken, for rates.
    pub at: MonoNs,
    /// When it was taken, on the wall clock.
    pub wall: WallNs,
    /// The sockets, counted.
    pub census: Census,
    /// What the network namespaces said.
    pub networks: Vec<NetworkReading>,
    /// The tracer's own network namespace.
    pub own_namespace: Option<u32>,
    /// How many namespaces were looked at.
    pub namespaces: usize,
    /// Files that set `tcp_tw_recycle`.
    pub recycle_set_in: Vec<String>,
    /// What could not be seen.
    pub unseen: Vec<Unseen>,
}

impl StatesModel {
    /// Takes in the next look. Only sockets that `takes` says yes to are counted by state; ports and
    /// queues are those of all.
    pub fn advance(&mut self, sample: &SocketSample, takes: &dyn Fn(&SocketReading) -> bool) {
        self.ages.advance(sample);
        self.refused.advance(sample);
        let mut census = Census::of(sample, &self.ages, takes);
        if let Some(length) = sample.at.since(self.now.at).filter(|_| self.has_looked()) {
            census.remember_makers(&self.now.census);
            self.before = Some((length, std::mem::take(&mut self.now)));
        }
        self.now = Look {
            at: sample.at,
            wall: sample.wall,
            census,
            networks: sample.networks.clone(),
            own_namespace: sample.own_namespace,
            namespaces: sample.namespaces.len(),
            recycle_set_in: sample.recycle_set_in.clone(),
            unseen: sample.unseen.clone(),
        };
    }

    /// Length of the tick; `None` after the first look.
    pub fn interval(&self) -> Option<Duration> {
        self.before.as_ref().map(|&(length, _)| length)
    }

    /// How fast something grows, per second; `None` after the first look.
    pub fn growth_per_s<N: Into<f64>>(&self, count: impl Fn(&Look) -> N) -> Option<f64> {
        let (length, before) = self.before.as_ref()?;
        let difference: f64 = count(&self.now).into() - count(before).into();
        Some(difference / length.as_secs_f64())
    }

    /// How much a counter of the kernel has grown in this tick; `None` if nobody knows or it went
    /// back.
    pub fn increase(&self, counter: impl Fn(&Look) -> Option<u64>) -> Option<u64> {
        let (_, before) = self.before.as_ref()?;
        counter(&self.now)?.checked_sub(counter(before)?)
    }

    /// Whether there was a look at all.
    pub fn has_looked(&self) -> bool {
        self.now.wall != WallNs::default()
    }
}

impl Look {
    /// What a network namespace said.
    pub fn network(&self, netns: u32) -> Option<&NetworkReading> {
        self.networks.iter().find(|network| network.netns == netns)
    }
}
