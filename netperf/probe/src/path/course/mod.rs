//! Which probe is sent when, and what became of it? Pure: time and answers come from outside.
//!
//! A cycle sends a probe for each distance, near ones first, until one ends the way. It is over when the
//! fate of all is known, so that every hop of a cycle has been asked as often as the others. Cycles begin
//! on a grid, whether or not those before are over.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use netperf_core::clock::MonoNs;
use netperf_core::sample::path::{Outcome, Reply, Said};

use super::answer::Heard;
use super::packet::Token;

/// Time between two probes of a cycle: a burst would be rate-limited, and lost in small queues.
const GAP: Duration = Duration::from_millis(10);

/// How long is waited for a distance from which nothing ever came.
const SILENT: Duration = Duration::from_secs(1);

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Largest distance.
    pub max_hops: u8,
    /// From the beginning of a cycle to that of the next.
    pub interval: Duration,
    /// What is not answered by then is lost.
    pub timeout: Duration,
    /// How many cycles; `None` goes on.
    pub cycles: Option<u64>,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send this probe with this TTL.
    Send(Token, u8),
    /// Nothing before then, unless an answer comes.
    Wait(MonoNs),
    /// All cycles are over.
    Over,
}

/// A cycle that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) number: u64,
    pub(super) probes: Vec<Outcome>,
    pub(super) is_exhausted: bool,
}

/// The cycles under way.
#[derive(Debug)]
pub(super) struct Course {
    plan: Plan,
    token: Token,
    /// Where the destination is, as far as is known.
    distance: Option<u8>,
    /// Distances from which something came, ever.
    heard: Vec<bool>,
    cycles: VecDeque<Cycle>,
    begun: u64,
    next_cycle: MonoNs,
    next_probe: MonoNs,
}

#[derive(Debug)]
struct Cycle {
    number: u64,
    /// Largest distance that is to be tried.
    to: u8,
    /// The first is at distance 1.
    probes: Vec<Probe>,
    /// Nearest distance at which a probe ended its way.
    end: Option<u8>,
}

#[derive(Debug)]
struct Probe {
    token: Token,
    sent: MonoNs,
    fate: Option<Outcome>,
}

impl Course {
    /// A course that begins `now`.
    pub(super) fn new(plan: Plan, now: MonoNs) -> Self {
        Self {
            plan,
            token: Token(0),
            distance: None,
            heard: vec![false; usize::from(plan.max_hops) + 1],
            cycles: VecDeque::new(),
            begun: 0,
            next_cycle: now,
            next_probe: now,
        }
    }

    /// Where the destination is, as far as is known.
    pub(super) fn distance(&self) -> Option<u8> {
        self.distance
    }

    /// What to do now. A probe that is to be sent counts from `now` on.
    pub(super) fn next(&mut self, now: MonoNs) -> Next {
        let is_sending = self.cycles.back().is_some_and(Cycle::is_sending);
        let has_more = self.plan.cycles.is_none_or(|cycles| self.begun < cycles);
        if !is_sending && has_more && now >= self.next_cycle {
            self.begin(now);
        } else if !is_sending && !has_more && self.cycles.is_empty() {
            return Next::Over;
        } else if !is_sending || now < self.next_probe {
            let send = if is_sending {
                self.next_probe
            } else {
                self.next_cycle
            };
            let send = Some(send).filter(|_| is_sending || has_more);
            let wake = send.into_iter().chain(self.first_timeout()).min();
            return Next::Wait(wake.unwrap_or(now));
        }
        self.send(now)
    }

    fn begin(&mut self, now: MonoNs) {
        self.begun += 1;
        self.next_cycle = later(self.next_cycle, self.plan.interval).max(now);
        self.cycles.push_back(Cycle {
            number: self.begun,
            to: self.distance.unwrap_or(self.plan.max_hops),
            probes: Vec::new(),
            end: None,
        });
    }

    fn send(&mut self, now: MonoNs) -> Next {
        self.token = self.token.next();
        let Some(cycle) = self.cycles.back_mut() else {
            return Next::Over;
        };
        cycle.probes.push(Probe {
            token: self.token,
            sent: now,
            fate: None,
        });
        let distance = u8::try_from(cycle.probes.len()).unwrap_or(u8::MAX);
        let share = self.plan.interval / (u32::from(cycle.to) + 1);
        self.next_probe = later(now, GAP.min(share));
        Next::Send(self.token, distance)
    }

    /// The probe was not sent, or no further than this machine.
    pub(super) fn not_sent(&mut self, token: Token, why: String) {
        let Some((cycle, at)) = self.find(token) else {
            return;
        };
        let cycle = &mut self.cycles[cycle];
        if cycle.probes[at].fate.is_none() {
            cycle.probes[at].fate = Some(Outcome::NotSent(why));
            cycle.ends_at(at);
        }
    }

    /// The probe left at this time.
    pub(super) fn sent(&mut self, token: Token, at: MonoNs) {
        if let Some((cycle, probe)) = self.find(token) {
            self.cycles[cycle].probes[probe].sent = at;
        }
    }

    /// An answer came at this time. Only the first to a probe counts.
    pub(super) fn heard(&mut self, heard: Heard, from: IpAddr, at: MonoNs) {
        let Some((cycle, probe)) = self.find(heard.token) else {
            return;
        };
        let cycle = &mut self.cycles[cycle];
        let sent = cycle.probes[probe].sent;
        if cycle.probes[probe].fate.is_some() {
            return;
        }
        let rtt = at.since(sent).unwrap_or_default();
        let rtt_us = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
        let said = heard.said;
        cycle.probes[probe].fate = Some(Outcome::Answered(Reply { from, rtt_us, said }));
        // Where the destination has answered before, a message may be about this probe alone.
        if said.is_destination() || said.ends_way() && self.distance.is_none() {
            cycle.ends_at(probe);
        }
        let distance = u8::try_from(probe + 1).unwrap_or(u8::MAX);
        if let Some(heard) = self.heard.get_mut(probe + 1) {
            *heard = true;
        }
        if said.is_destination() {
            self.distance = Some(self.distance.map_or(distance, |known| known.min(distance)));
        } else if said == Said::Expired && self.distance == Some(distance) {
            // The way has become longer.
            self.distance = None;
        }
    }

    /// The next cycle that is over, in their order.
    pub(super) fn settled(&mut self, now: MonoNs) -> Option<Settled> {
        let (plan, heard) = (self.plan, &self.heard);
        let first = self.cycles.front_mut()?;
        for at in 0..first.probes.len() {
            let limit = patience(plan, first.number, heard[at + 1]);
            let probe = &mut first.probes[at];
            if probe.fate.is_none() && now >= later(probe.sent, limit) {
                probe.fate = Some(Outcome::Lost);
            }
        }
        if first.is_sending() || !first.is_decided() {
            return None;
        }
        let cycle = self.cycles.pop_front()?;
        let is_exhausted = cycle.end.is_none() && cycle.to == plan.max_hops;
        let asked = cycle.asked();
        let fates = cycle
            .probes
            .into_iter()
            .take(asked)
            .filter_map(|probe| probe.fate);
        Some(Settled {
            number: cycle.number,
            probes: fates.collect(),
            is_exhausted,
        })
    }

    fn first_timeout(&self) -> Option<MonoNs> {
        let first = self.cycles.front()?;
        let open = first.probes.iter().enumerate().take(first.asked());
        let open = open.filter(|(_, probe)| probe.fate.is_none());
        let ends = open.map(|(at, probe)| {
            later(
                probe.sent,
                patience(self.plan, first.number, self.heard[at + 1]),
            )
        });
        ends.min()
    }

    fn find(&self, token: Token) -> Option<(usize, usize)> {
        self.cycles.iter().enumerate().find_map(|(cycle, it)| {
            let probe = it.probes.iter().position(|probe| probe.token == token)?;
            Some((cycle, probe))
        })
    }
}

impl Cycle {
    fn is_sending(&self) -> bool {
        self.probes.len() < self.asked()
    }

    fn is_decided(&self) -> bool {
        let asked = self.probes.iter().take(self.asked());
        asked.map(|probe| &probe.fate).all(Option::is_some)
    }

    /// How many distances matter.
    fn asked(&self) -> usize {
        self.end.unwrap_or(self.to).into()
    }

    /// The probe at this place went no further; those that did are beside the point.
    fn ends_at(&mut self, probe: usize) {
        let distance = u8::try_from(probe + 1).unwrap_or(u8::MAX);
        self.end = Some(self.end.map_or(distance, |end| end.min(distance)));
    }
}

/// In the first cycle nobody has had the time to be heard.
fn patience(plan: Plan, number: u64, was_heard: bool) -> Duration {
    if was_heard || number == 1 {
        plan.timeout
    } else {
        plan.timeout.min(SILENT)
    }
}

fn later(time: MonoNs, by: Duration) -> MonoNs {
    MonoNs(
        time.0
            .saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)),
    )
}

#[cfg(test)]
mod tests;
