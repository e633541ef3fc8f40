//! Reads the kernel side's histograms of latencies, and keeps what was read of them before.

use anyhow::Context as _;
use aya::maps::{HashMap, MapData};
use netperf_common::flow::Owner;
use netperf_common::latency::{BUCKETS, Histogram, LatencyKey};
use rustc_hash::FxHashMap;

/// What was added to a histogram since the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grown {
    /// What it is of.
    pub key: LatencyKey,
    /// The process.
    pub owner: Owner,
    /// How often, by bucket; those without are left out.
    pub counts: Vec<(u32, u32)>,
}

/// The kernel side's histograms.
pub(super) struct Latencies {
    map: HashMap<MapData, LatencyKey, Histogram>,
    told: FxHashMap<LatencyKey, Box<[u32; BUCKETS]>>,
}

impl Latencies {
    /// Nothing is told yet.
    pub(super) fn new(map: HashMap<MapData, LatencyKey, Histogram>) -> Self {
        Self {
            map,
            told: FxHashMap::default(),
        }
    }

    /// What was added since the last call. Histograms that made room for others are forgotten.
    ///
    /// # Errors
    /// If the kernel refuses to be read.
    pub(super) fn take(&mut self) -> anyhow::Result<Vec<Grown>> {
        let mut grown = Vec::new();
        let mut there = FxHashMap::default();
        for entry in &self.map {
            let (key, now) = entry.context("cannot read how long it took")?;
            let before = self.told.remove(&key);
            let counts = growth(before.as_deref().unwrap_or(&[0; BUCKETS]), &now.counts);
            if !counts.is_empty() {
                let owner = now.owner;
                grown.push(Grown { key, owner, counts });
            }
            there.insert(key, Box::new(now.counts));
        }
        self.told = there;
        Ok(grown)
    }
}

/// By bucket; a histogram that has less than before was made anew.
fn growth(before: &[u32; BUCKETS], now: &[u32; BUCKETS]) -> Vec<(u32, u32)> {
    let pairs = before.iter().zip(now);
    let is_new = pairs.clone().any(|(before, now)| now < before);
    let since = |(before, now): (&u32, &u32)| if is_new { *now } else { now - before };
    let counts = (0..).zip(pairs.map(since));
    counts.filter(|(_, count)| *count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_told() {
        let mut before = [0; BUCKETS];
        (before[3], before[9]) = (5, 1);
        let mut now = before;
        now[9] += 2;
        assert_eq!(growth(&before, &now), [(9, 2)]);
        assert_eq!(growth(&before, &before), []);
        now[3] = 4;
        assert_eq!(growth(&before, &now), [(3, 4), (9, 3)]);
    }
}
