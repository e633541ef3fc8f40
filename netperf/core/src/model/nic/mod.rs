//! What became of the interfaces between two looks? Rates, utilisation, and what counters grew by.

pub mod figures;
mod load;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

pub use self::load::{Load, speed_is_nominal};
use crate::sample::nic::{LinkCounter, NicReading, NicSample, SoftnetReading};

/// From which share of its speed on an interface is busy.
pub const BUSY: f64 = 0.95;

/// A session of looks at the interfaces after its latest look.
#[derive(Clone, Debug, Default)]
pub struct NicModel {
    /// The latest look.
    pub now: NicSample,
    /// The one before, and how long ago it was.
    before: Option<(Duration, NicSample)>,
    /// How many ticks in a row each interface has been busy, and had packets waiting.
    streaks: HashMap<NicId, Streak>,
    /// The longest of them.
    longest: HashMap<NicId, Streak>,
}

/// An interface: a number that now has another name is another interface.
type NicId = (u32, u32, String);

/// For how many ticks in a row something has gone on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// [`BUSY`] in one direction.
    pub busy: u32,
    /// Its queue at its rate, or with packets waiting at the end of the tick and others thrown away
    /// or held back in it.
    pub queued: u32,
}

/// From which share of the rate of its queue on an interface is at that rate: bursts at the beginning
/// and end of a tick blur it.
const AT_RATE: f64 = 0.9;

impl NicModel {
    /// Takes in the next look.
    pub fn advance(&mut self, sample: NicSample) {
        let before = std::mem::replace(&mut self.now, sample);
        let length = self.now.at.since(before.at);
        self.before = length
            .filter(|_| !before.nics.is_empty())
            .map(|length| (length, before));
        let streaks = self.now.nics.iter().map(|nic| (id(nic), self.streak(nic)));
        self.streaks = streaks.collect();
        for (nic, streak) in &self.streaks {
            let longest = self.longest.entry(nic.clone()).or_default();
            longest.busy = longest.busy.max(streak.busy);
            longest.queued = longest.queued.max(streak.queued);
        }
    }

    /// Takes the longest streaks that another session of looks at the same interfaces has seen: this one
    /// may be of two looks only.
    pub fn take_streaks_of(&mut self, other: &Self) {
        self.streaks.clone_from(&other.longest);
    }

    fn streak(&self, nic: &NicReading) -> Streak {
        let last = self.streak_of(nic);
        let follow = |last: u32, goes_on: bool| if goes_on { last + 1 } else { 0 };
        let is_busy = self.load(nic).and_then(Load::utilisation);
        let queue = nic.queue.as_ref();
        let waits = queue.is_some_and(|queue| queue.backlog_packets > 0);
        let is_held = self.queue_growth(nic, |queue| queue.drops) > Some(0)
            || self.queue_growth(nic, |queue| queue.overlimits) > Some(0);
        let is_at_rate = self
            .share_of_rate(nic)
            .is_some_and(|share| share >= AT_RATE);
        Streak {
            busy: follow(last.busy, is_busy.is_some_and(|share| share >= BUSY)),
            queued: follow(last.queued, is_at_rate || (waits && is_held)),
        }
    }

    /// The share of the rate of its queue that an interface sends at; `None` where its queue has none.
    pub fn share_of_rate(&self, nic: &NicReading) -> Option<f64> {
        let rate = nic.queue.as_ref()?.rate.filter(|&rate| rate > 0)?;
        let sent = self.load(nic)?.speed?.tx_bytes_per_s;
        #[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
        Some(sent as f64 / rate as f64)
    }

    /// Length of the tick; `None` after the first look.
    pub fn interval(&self) -> Option<Duration> {
        self.before.as_ref().map(|&(length, _)| length)
    }

    /// For how long an interface has been busy.
    pub fn streak_of(&self, nic: &NicReading) -> Streak {
        self.streaks.get(&id(nic)).copied().unwrap_or_default()
    }

    /// The same interface in the look before.
    fn earlier(&self, nic: &NicReading) -> Option<&NicReading> {
        let (_, before) = self.before.as_ref()?;
        let mut all = before.nics.iter();
        all.find(|it| (it.netns, it.index) == (nic.netns, nic.index) && it.name == nic.name)
    }

    /// By how much a counter grew in this tick; `None` after the first look, for an interface that was
    /// not there before, and where the counter went back.
    pub fn growth(&self, nic: &NicReading, counter: LinkCounter) -> Option<u64> {
        let before = self.earlier(nic)?.counters.of(counter)?;
        nic.counters.of(counter)?.checked_sub(before)
    }

    /// By how much a counter of its queue grew in this tick. A queue of another kind is another queue.
    pub fn queue_growth(
        &self,
        nic: &NicReading,
        counter: fn(&crate::sample::nic::QueueReading) -> u32,
    ) -> Option<u64> {
        let (before, now) = (self.earlier(nic)?.queue.as_ref()?, nic.queue.as_ref()?);
        let grown =
            (before.kind == now.kind).then(|| counter(now).wrapping_sub(counter(before)))?;
        since_wrap(grown)
    }

    /// By how much filters' drops of what arrives grew in this tick.
    pub fn ingress_drops(&self, nic: &NicReading) -> Option<u64> {
        nic.ingress_drops?
            .checked_sub(self.earlier(nic)?.ingress_drops?)
    }

    /// How often the carrier came or went in this tick.
    pub fn carrier_changes(&self, nic: &NicReading) -> Option<u32> {
        nic.carrier_changes?
            .checked_sub(self.earlier(nic)?.carrier_changes?)
    }

    /// By how much a counter of the driver's own grew in this tick.
    pub fn driver_growth(&self, nic: &NicReading, name: &str) -> Option<u64> {
        let value = |nic: &NicReading| {
            let mut all = nic.driver_counters.iter();
            all.find(|(it, _)| it == name).map(|&(_, value)| value)
        };
        value(nic)?.checked_sub(value(self.earlier(nic)?)?)
    }

    /// By how much a counter of a processor grew in this tick.
    pub fn softnet_growth(
        &self,
        processor: &SoftnetReading,
        counter: fn(&SoftnetReading) -> u32,
    ) -> Option<u64> {
        let (_, before) = self.before.as_ref()?;
        let mut all = before.softnet.iter();
        let before = all.find(|it| it.cpu == processor.cpu)?;
        since_wrap(counter(processor).wrapping_sub(counter(before)))
    }

    /// What it carries; `None` after the first look.
    pub fn load(&self, nic: &NicReading) -> Option<Load> {
        let (length, _) = self.before.as_ref()?;
        let grown = |counter| self.growth(nic, counter);
        Some(Load::new(
            nic,
            *length,
            (grown(LinkCounter::TxBytes)?, grown(LinkCounter::TxPackets)?),
            (grown(LinkCounter::RxBytes)?, grown(LinkCounter::RxPackets)?),
        ))
    }
}

/// A difference of counters of 32 bits: one that is larger than half of them went back.
fn since_wrap(difference: u32) -> Option<u64> {
    (difference <= u32::MAX / 2).then_some(u64::from(difference))
}

fn id(nic: &NicReading) -> NicId {
    (nic.netns, nic.index, nic.name.clone())
}
